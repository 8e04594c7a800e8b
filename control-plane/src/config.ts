import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ConnectTo, parseConnectTo } from '@onecli/shared/netguard/connect-to';
import { parseRanges } from '@onecli/shared/netguard/parse-ranges';
import { parseRoots } from '@onecli/shared/netguard/upstream-context';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { parseCidr } from '@onecli/shared/domain/cidr';
import type { SessionLifetime } from './auth/sessions/session-store.ts';
import { sinkVariables, type SyslogTarget } from './audit/sinks/sink-settings.ts';
import { readRedisSettings, type RedisSettings } from '@onecli/shared/redis-settings';
import { settingsFromFiles } from '@onecli/shared/settings-from-files';
import { SecretValue } from '@onecli/shared/secret-value';
import { type ShownSetting, showSettings } from '@onecli/shared/shown-settings';
import {
  type CollectorSettings,
  collectorSettings,
  telemetryVariables,
} from '@onecli/shared/telemetry/collector-settings';
import { z } from 'zod';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const portText = 'expected a port number, 1-65535';
const port = z
  .string()
  .regex(/^[0-9]{1,5}$/, portText)
  .transform(Number)
  .refine((value) => value >= 1 && value <= 65_535, portText);
const hexKey = z.string().regex(/^[0-9a-f]{64}$/i, 'expected exactly 64 hexadecimal digits');
const filePath = z.string();
const password = z.string().min(8, 'expected at least 8 characters').max(1024, 'expected at most 1024 characters');
const whole = (min: number, max: number) => {
  const text = `expected a whole number, ${min}-${max}`;
  return z
    .string()
    .regex(/^[0-9]{1,5}$/, text)
    .transform(Number)
    .refine((value) => value >= min && value <= max, text);
};
const isRange = (text: string): boolean => parseCidr(text).kind !== 'invalid';
const isPostgresUrl = (value: string): boolean => /^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value);

/** The variables that the control plane reads. An empty one counts as not set. */
export const variables = z.object({
  DATABASE_URL: z
    .string({ error: 'is not set: expected postgres://user:password@host:port/database' })
    .refine(isPostgresUrl, 'expected a postgres:// URL'),
  DATABASE_URL_FILE: filePath.optional(),
  REDIS_URL: z.string().optional(),
  REDIS_URL_FILE: filePath.optional(),
  REDIS_MODE: z.string().optional(),
  REDIS_SENTINEL_NAME: z.string().optional(),
  REDIS_SENTINEL_PASSWORD: z.string().optional(),
  REDIS_SENTINEL_PASSWORD_FILE: filePath.optional(),
  REDIS_CA_FILE: filePath.optional(),
  ONECLI_MASTER_KEY: hexKey.optional(),
  ONECLI_MASTER_KEY_FILE: filePath.optional(),
  ONECLI_API_PORT: port.prefault('10255'),
  ONECLI_BIND: z
    .string()
    .refine((value) => isIP(value) !== 0 || value === 'localhost', 'expected an IP address to listen on')
    .default('127.0.0.1'),
  ONECLI_ADMIN_USER: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, 'expected letters, digits and . _ @ -, at most 128')
    .default('admin'),
  ONECLI_ADMIN_PASSWORD: password.optional(),
  ONECLI_ADMIN_PASSWORD_FILE: filePath.optional(),
  ONECLI_LOCAL_ACCESS_FILE: filePath.optional(),
  ONECLI_DESTROYED_FILE: filePath.optional(),
  ONECLI_PROXY_URL: z
    .string()
    .refine(
      (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
      'expected an http:// or https:// URL',
    )
    .optional(),
  ONECLI_API_TRUSTED_PROXIES: z
    .string()
    .transform((value) => value.split(',').map((part) => part.trim()))
    .refine((parts) => parts.every(isRange), 'expected IP addresses and CIDR ranges, comma-separated')
    .optional(),
  ONECLI_UPSTREAM_CA_FILE: filePath.optional(),
  ONECLI_ALLOW_RANGES: z
    .string()
    .transform((value) => parseRanges(value))
    .refine(({ kind }) => kind === 'ranges', 'expected CIDRs, comma-separated')
    .optional(),
  ONECLI_CONNECT_TO: z
    .string()
    .transform((value) => parseConnectTo(value))
    .refine(({ kind }) => kind === 'connect-to', 'expected host:port=address:port, comma-separated')
    .optional(),
  ONECLI_SESSION_IDLE_MINUTES: whole(1, 43_200).prefault('120'),
  ONECLI_SESSION_HOURS: whole(1, 720).prefault('24'),
  ONECLI_ADMIN_EVENT_DAYS: whole(30, 36_500).prefault('730'),
  ONECLI_AUDIT_DAYS: whole(1, 36_500).optional(),
  ...sinkVariables,
  ONECLI_AUDIT_WEBHOOK_KEY_FILE: filePath.optional(),
  ...telemetryVariables,
  ONECLI_LOG_LEVEL: z.enum(logLevels, { error: `expected one of ${logLevels.join(', ')}` }).default('info'),
});

export interface OutgoingConfig {
  /** CIDRs that may be called although they are private. */
  readonly allowRanges: readonly string[];
  readonly connectTo: ConnectTo | undefined;
  /** Further roots, PEM. */
  readonly rootsPem: string | undefined;
}

/** Where audit events are sent to. */
export interface AuditSinksConfig {
  readonly webhook: { readonly url: string; readonly key: SecretValue } | undefined;
  readonly syslog: SyslogTarget | undefined;
}

/** The settings of the control plane, parsed. */
export interface Config {
  /** May hold the database's password: never to be logged. */
  readonly databaseUrl: string;
  /** Redis for the bus and the audit queue, if there is one. */
  readonly redis: RedisSettings | undefined;
  readonly masterKey: MasterKey;
  readonly apiPort: number;
  readonly bind: string;
  readonly adminUser: string;
  readonly adminPassword: SecretValue | undefined;
  readonly localAccessFile: string | undefined;
  /** Where the list of destroyed values is kept outside of the database. */
  readonly destroyedFile: string | undefined;
  readonly proxyUrl: string | undefined;
  /** Proxies in front of the API that may tell whose request it is, and that it came by TLS. */
  readonly trustedProxies: readonly string[];
  /** What may be called to rotate secrets, and whose certificates are believed then. */
  readonly outgoing: OutgoingConfig;
  readonly sessionLifetime: SessionLifetime;
  /** How long events of what admins did are kept. */
  readonly adminEventDays: number;
  /** How long requests are kept; undefined: for ever. */
  readonly auditDays: number | undefined;
  readonly auditSinks: AuditSinksConfig;
  readonly logLevel: LogLevel;
  /** Undefined: no collector. */
  readonly telemetry: CollectorSettings | undefined;
  /** Which settings are set; the content of the harmless ones. */
  readonly settings: readonly ShownSetting[];
}

/** Every fault of a configuration at once, each with its variable and what is expected. Never a value. */
export class ConfigFault extends Error {
  override readonly name = 'ConfigFault';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The configuration has faults:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}

type Environment = Record<string, string | undefined>;

/**
 * Reads the configuration from the environment and from the files that it names.
 * @throws ConfigFault with all faults together
 */
export function readConfig(environment: Environment = process.env): Config {
  const faults: string[] = [];
  const given = Object.fromEntries(
    Object.entries(settingsFromFiles(environment, faults)).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = variables.safeParse(given);
  if (!parsed.success)
    for (const issue of parsed.error.issues) faults.push(`${issue.path.join('.')}: ${issue.message}`);
  const masterKey = readMasterKey(given, faults);
  const adminPassword = readPassword(given, faults);
  const webhookKey = readWebhookKey(given, faults);
  const rootsPem = readRoots(given['ONECLI_UPSTREAM_CA_FILE'], faults);
  const redis = readRedisSettings(given);
  if (redis.kind === 'faults') faults.push(...redis.faults);
  if (!parsed.success || masterKey === undefined || redis.kind === 'faults' || faults.length > 0)
    throw new ConfigFault([...new Set(faults)]);
  const found = parsed.data;
  return {
    databaseUrl: found.DATABASE_URL,
    redis: redis.settings,
    masterKey,
    apiPort: found.ONECLI_API_PORT,
    bind: found.ONECLI_BIND,
    adminUser: found.ONECLI_ADMIN_USER,
    adminPassword,
    localAccessFile: found.ONECLI_LOCAL_ACCESS_FILE,
    destroyedFile: found.ONECLI_DESTROYED_FILE,
    proxyUrl: found.ONECLI_PROXY_URL,
    trustedProxies: found.ONECLI_API_TRUSTED_PROXIES ?? [],
    outgoing: outgoingOf(found, rootsPem),
    sessionLifetime: {
      idleSeconds: found.ONECLI_SESSION_IDLE_MINUTES * 60,
      totalSeconds: found.ONECLI_SESSION_HOURS * 3600,
    },
    adminEventDays: found.ONECLI_ADMIN_EVENT_DAYS,
    auditDays: found.ONECLI_AUDIT_DAYS,
    auditSinks: {
      webhook: webhookOf(found.ONECLI_AUDIT_WEBHOOK_URL, webhookKey),
      syslog: found.ONECLI_AUDIT_SYSLOG_URL,
    },
    logLevel: found.ONECLI_LOG_LEVEL,
    telemetry: collectorSettings(found),
    settings: showSettings(given, Object.keys(variables.shape)),
  };
}

function outgoingOf(found: z.output<typeof variables>, rootsPem: string | undefined): OutgoingConfig {
  const { ONECLI_ALLOW_RANGES: ranges, ONECLI_CONNECT_TO: connectTo } = found;
  return {
    allowRanges: ranges?.kind === 'ranges' ? ranges.ranges : [],
    connectTo: connectTo?.kind === 'connect-to' ? connectTo.connectTo : undefined,
    rootsPem,
  };
}

function webhookOf(url: string | undefined, key: SecretValue | undefined): AuditSinksConfig['webhook'] {
  return url === undefined || key === undefined ? undefined : { url, key };
}

/** What nobody can verify is not sent: a webhook needs its key. */
function readWebhookKey(given: Environment, faults: string[]): SecretValue | undefined {
  const name = 'ONECLI_AUDIT_WEBHOOK_KEY';
  const text = valueOrFile(name, given, faults);
  if (text === undefined) {
    if (given['ONECLI_AUDIT_WEBHOOK_URL'] !== undefined && given[`${name}_FILE`] === undefined)
      faults.push(`${name}: is not set: expected a key of at least 16 characters, or ${name}_FILE`);
    return undefined;
  }
  const parsed = sinkVariables.ONECLI_AUDIT_WEBHOOK_KEY.safeParse(text);
  if (parsed.success) return SecretValue.of(text);
  for (const issue of parsed.error.issues) faults.push(`${sourceOf(name, given)}: ${issue.message}`);
  return undefined;
}

function readMasterKey(given: Environment, faults: string[]): MasterKey | undefined {
  const text = valueOrFile('ONECLI_MASTER_KEY', given, faults);
  if (text === undefined) {
    if (!given['ONECLI_MASTER_KEY_FILE'])
      faults.push('ONECLI_MASTER_KEY: is not set: expected 64 hexadecimal digits, or ONECLI_MASTER_KEY_FILE');
    return undefined;
  }
  const parsed = hexKey.safeParse(text);
  if (parsed.success) return MasterKey.fromHex(parsed.data);
  faults.push(`${sourceOf('ONECLI_MASTER_KEY', given)}: expected exactly 64 hexadecimal digits`);
  return undefined;
}

function readRoots(file: string | undefined, faults: string[]): string | undefined {
  if (file === undefined) return undefined;
  try {
    const pem = readFileSync(file, 'utf8');
    parseRoots(pem);
    return pem;
  } catch {
    faults.push('ONECLI_UPSTREAM_CA_FILE: expected a readable PEM file of certificates');
    return undefined;
  }
}

function readPassword(given: Environment, faults: string[]): SecretValue | undefined {
  const text = valueOrFile('ONECLI_ADMIN_PASSWORD', given, faults);
  if (text === undefined) return undefined;
  const parsed = password.safeParse(text);
  if (parsed.success) return SecretValue.of(parsed.data);
  for (const issue of parsed.error.issues) faults.push(`${sourceOf('ONECLI_ADMIN_PASSWORD', given)}: ${issue.message}`);
  return undefined;
}

function sourceOf(name: string, given: Environment): string {
  return given[name] === undefined ? `${name}_FILE` : name;
}

/** The value of a variable or the content of the file that its `…_FILE` names, without the line's end. */
function valueOrFile(name: string, given: Environment, faults: string[]): string | undefined {
  const value = given[name];
  const path = given[`${name}_FILE`];
  if (path === undefined) return value;
  if (value !== undefined) {
    faults.push(`${name}_FILE: is set together with ${name}: expected one of the two`);
    return value;
  }
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    faults.push(
      `${name}_FILE: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}): expected a readable file`,
    );
    return undefined;
  }
}

/** What a maintenance program is given: a database and its master key. */
export interface MaintenanceConfig {
  readonly databaseUrl: string;
  readonly masterKey: MasterKey;
}

const maintenanceVariables = variables.pick({ DATABASE_URL: true });

/** Reads what maintenance needs. @throws ConfigFault with all faults together */
export function readMaintenanceConfig(environment: Environment = process.env): MaintenanceConfig {
  const faults: string[] = [];
  const read = settingsFromFiles(environment, faults);
  const given = Object.fromEntries(Object.entries(read).filter(([, value]) => value !== ''));
  const parsed = maintenanceVariables.safeParse(given);
  if (!parsed.success)
    for (const issue of parsed.error.issues) faults.push(`${issue.path.join('.')}: ${issue.message}`);
  const masterKey = readMasterKey(given, faults);
  if (!parsed.success || masterKey === undefined || faults.length > 0) throw new ConfigFault(faults);
  return { databaseUrl: parsed.data.DATABASE_URL, masterKey };
}

/** A master key from a file. @throws ConfigFault, without its content */
export function readMasterKeyFile(path: string): MasterKey {
  const faults: string[] = [];
  const masterKey = readMasterKey({ ONECLI_MASTER_KEY_FILE: path }, faults);
  if (masterKey === undefined) throw new ConfigFault([`${path}: expected a file with 64 hexadecimal digits`]);
  return masterKey;
}
