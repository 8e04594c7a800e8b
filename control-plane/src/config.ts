import type { ConnectTo } from '@onecli/shared/netguard/connect-to';
import { readRedisSettings, type RedisSettings } from '@onecli/shared/redis-settings';
import type { SecretValue } from '@onecli/shared/secret-value';
import { settingsFromFiles } from '@onecli/shared/settings-from-files';
import { type ShownSetting, showSettings } from '@onecli/shared/shown-settings';
import { type CollectorSettings, collectorSettings } from '@onecli/shared/telemetry/collector-settings';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import type { z } from 'zod';
import type { SyslogTarget } from './audit/sinks/sink-settings.ts';
import type { SessionLifetime } from './auth/sessions/session-store.ts';
import { type Environment, readMasterKey, readPassword, readRoots, readWebhookKey } from './config-secrets.ts';
import { type LogLevel, variables } from './config-variables.ts';

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

/** What a maintenance program is given: a database and its master key. */
export interface MaintenanceConfig {
  readonly databaseUrl: string;
  readonly masterKey: MasterKey;
  /** Where control planes keep the list of what was destroyed, for a restore. */
  readonly destroyedFile: string | undefined;
}

const maintenanceVariables = variables.pick({ DATABASE_URL: true, ONECLI_DESTROYED_FILE: true });

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
  return { databaseUrl: parsed.data.DATABASE_URL, masterKey, destroyedFile: parsed.data.ONECLI_DESTROYED_FILE };
}

/** A master key from a file. @throws ConfigFault, without its content */
export function readMasterKeyFile(path: string): MasterKey {
  const faults: string[] = [];
  const masterKey = readMasterKey({ ONECLI_MASTER_KEY_FILE: path }, faults);
  if (masterKey === undefined) throw new ConfigFault([`${path}: expected a file with 64 hexadecimal digits`]);
  return masterKey;
}
