import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { isAddressRange, isEndpoint, isHostName, isRedirection } from './address-text.ts';
import { apiSchemas, apiSettings } from './api-settings.ts';
import { readFlags, startCommand } from './flags.ts';
import { isHttpUrl } from '@onecli/shared/telemetry/collector-settings';
import { limitSchemas, limitSettings } from './limit-settings.ts';
import { logLevels } from './log-levels.ts';

const portText = 'expected a port number, 1 to 65535';
const keyText = 'expected exactly 64 hexadecimal digits';
const port = wholeNumber(1, 65_535, portText);
const isKey = (text: string) => /^[0-9a-f]{64}$/i.test(text);

/** The variables that the supervisor reads, in the order of its help. An empty one counts as not set. */
export const variables = z.object({
  ONECLI_DATA_DIR: z.string().default('./data'),
  ONECLI_WORKERS: wholeNumber(1, 64, 'expected a number of workers, 1 to 64').prefault('1'),
  ONECLI_PROXY_PORT: port.prefault('10254'),
  ONECLI_API_PORT: port.prefault('10255'),
  ONECLI_BIND: z
    .string()
    .refine((text) => isIP(text) !== 0, 'expected an IP address to listen on, such as 127.0.0.1')
    .default('127.0.0.1'),
  ONECLI_MASTER_KEY: z.string().refine(isKey, keyText).optional(),
  ONECLI_MASTER_KEY_FILE: readableFile().optional(),
  ONECLI_ADMIN_USER: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, 'expected letters, digits and . _ @ -, at most 128')
    .default('admin'),
  ONECLI_ADMIN_PASSWORD: z
    .string()
    .min(8, 'expected at least 8 characters')
    .max(1024, 'expected at most 1024 characters')
    .optional(),
  ONECLI_UPSTREAM_CA_FILE: readableFile().optional(),
  ONECLI_CLIENT_CA_FILE: readableFile().optional(),
  ONECLI_TRUSTED_PROXIES: listOf(isAddressRange, 'expected address ranges such as 10.1.0.0/24').optional(),
  ONECLI_PROXY_PROTOCOL: z
    .enum(['optional', 'required'], { error: 'expected optional or required' })
    .default('optional'),
  ONECLI_ALLOW_RANGES: listOf(isAddressRange, 'expected address ranges such as 10.0.0.0/8,fd00::/8').optional(),
  ONECLI_CONNECT_TO: listOf(isRedirection, 'expected host:port=address:port, separated by commas').optional(),
  ONECLI_GATEWAY_NAMES: listOf(
    isHostName,
    'expected host names such as gateway.example.com, separated by commas',
  ).optional(),
  ONECLI_REFUSE_INSIDE_TUNNEL: z.enum(['on', 'off'], { error: 'expected on or off' }).default('on'),
  ONECLI_OWN_LISTENERS: listOf(isEndpoint, 'expected address:port, separated by commas').optional(),
  ONECLI_SNAPSHOT_MAX_HOURS: wholeNumber(1, 87_600, 'expected hours, 1 to 87600').prefault('168'),
  ONECLI_DRAIN_MS: wholeNumber(0, 3_600_000, 'expected milliseconds, 0 to 3600000').prefault('10000'),
  ONECLI_DRAIN_WAIT_MS: wholeNumber(0, 600_000, 'expected milliseconds, 0 to 600000').prefault('0'),
  ONECLI_SPOOL_DIR: z.string().optional(),
  ONECLI_AUDIT_MODE: z
    .enum(['default', 'durable', 'strict'], { error: 'expected default, durable or strict' })
    .default('default'),
  ...limitSchemas,
  ONECLI_OTLP_ENDPOINT: z.string().refine(isHttpUrl, 'expected an http:// or https:// URL').optional(),
  ONECLI_FORWARD_TRACE_CONTEXT: z.enum(['on', 'off'], { error: 'expected on or off' }).default('off'),
  ...apiSchemas,
  ONECLI_LOG_LEVEL: z.enum(logLevels, { error: `expected one of ${logLevels.join(', ')}` }).default('info'),
});

/** Variables of the command line tool and of the processes below, which the supervisor may meet and does not read. */
const foreignVariables = new Set([
  'ONECLI_AGENT',
  'ONECLI_AGENT_TOKEN',
  'ONECLI_API_KEY',
  'ONECLI_API_URL',
  'ONECLI_BASE_URL',
  'ONECLI_PROXY_URL',
]);

/** The supervisor's settings, parsed. */
export interface SupervisorConfig {
  /** Absolute. */
  readonly dataDir: string;
  readonly workers: number;
  readonly proxyPort: number;
  readonly apiPort: number;
  readonly bind: string;
  readonly masterKey: MasterKeySource;
  readonly adminUser: string;
  readonly adminPassword: string | undefined;
  /** How long a worker's requests get to finish when it stops. */
  readonly drainMs: number;
  /** How long it goes on accepting before that, although it is not ready any more. */
  readonly drainWaitMs: number;
  /** Where else OneCLI can be reached, such as by a load balancer. */
  readonly ownListeners: string | undefined;
  readonly logLevel: string;
  /** Handed on to the workers as they are, having been checked here. */
  readonly workerSettings: Readonly<Record<string, string>>;
  /** The same for the control plane. */
  readonly apiSettings: Readonly<Record<string, string>>;
  /** What each child gets of our own environment: PATH, HOME and Node's own variables. */
  readonly inheritedEnvironment: Readonly<Record<string, string>>;
}

/** Where the master key comes from; `data-folder` means it is made there on a first start. */
export type MasterKeySource = { kind: 'given'; hex: string } | { kind: 'file'; path: string } | { kind: 'data-folder' };

export type ReadConfig =
  | { kind: 'config'; config: SupervisorConfig; warnings: readonly string[] }
  | { kind: 'help'; text: string }
  | { kind: 'faults'; faults: readonly string[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads flags, which win, and variables. All faults come together, each with its variable and what is expected, never
 * with a value.
 */
export function readConfig(
  argv: readonly string[] = process.argv.slice(2),
  environment: Environment = process.env,
): ReadConfig {
  const options = readFlags(argv, startCommand);
  return options.kind === 'flags' ? readSettings({ ...environment, ...options.values }) : options;
}

/** Reads an environment in which flags have had their say already. */
export function readSettings(environment: Environment): Exclude<ReadConfig, { kind: 'help' }> {
  const given = Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) => name.startsWith('ONECLI_') && value !== undefined && value !== '',
    ),
  );
  const parsed = variables.safeParse(given);
  const faults = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  faults.push(...judgeTogether(given));
  if (!parsed.success || faults.length > 0) return { kind: 'faults', faults };
  return { kind: 'config', config: toConfig(parsed.data, environment), warnings: unknownNames(given) };
}

/** Faults that no variable has alone. */
function judgeTogether(given: Environment): string[] {
  const faults: string[] = [];
  if (given['ONECLI_MASTER_KEY'] !== undefined && given['ONECLI_MASTER_KEY_FILE'] !== undefined) {
    faults.push('ONECLI_MASTER_KEY: is set together with ONECLI_MASTER_KEY_FILE: expected one of the two');
  }
  const keyFile = given['ONECLI_MASTER_KEY_FILE'];
  if (keyFile !== undefined && isReadableFile(keyFile) && !isKey(readFileSync(keyFile, 'utf8').trim())) {
    faults.push(`ONECLI_MASTER_KEY_FILE: ${keyText} in the file`);
  }
  if ((given['ONECLI_PROXY_PORT'] ?? '10254') === (given['ONECLI_API_PORT'] ?? '10255')) {
    faults.push('ONECLI_API_PORT: is the same as ONECLI_PROXY_PORT: expected two ports');
  }
  return faults;
}

function toConfig(found: z.output<typeof variables>, environment: Environment): SupervisorConfig {
  const workerSettings = {
    ONECLI_UPSTREAM_CA_FILE: found.ONECLI_UPSTREAM_CA_FILE,
    ONECLI_CLIENT_CA_FILE: found.ONECLI_CLIENT_CA_FILE,
    ONECLI_TRUSTED_PROXIES: found.ONECLI_TRUSTED_PROXIES,
    ONECLI_PROXY_PROTOCOL: found.ONECLI_PROXY_PROTOCOL,
    ONECLI_ALLOW_RANGES: found.ONECLI_ALLOW_RANGES,
    ONECLI_CONNECT_TO: found.ONECLI_CONNECT_TO,
    ONECLI_SPOOL_DIR: resolve(found.ONECLI_SPOOL_DIR ?? join(found.ONECLI_DATA_DIR, 'spool')),
    ONECLI_AUDIT_MODE: found.ONECLI_AUDIT_MODE,
    ...limitSettings(found),
    ONECLI_GATEWAY_NAMES: found.ONECLI_GATEWAY_NAMES,
    ONECLI_REFUSE_INSIDE_TUNNEL: found.ONECLI_REFUSE_INSIDE_TUNNEL,
    ONECLI_SNAPSHOT_MAX_HOURS: String(found.ONECLI_SNAPSHOT_MAX_HOURS),
    ONECLI_OTLP_ENDPOINT: found.ONECLI_OTLP_ENDPOINT,
    ONECLI_FORWARD_TRACE_CONTEXT: found.ONECLI_FORWARD_TRACE_CONTEXT,
  };
  return {
    dataDir: resolve(found.ONECLI_DATA_DIR),
    workers: found.ONECLI_WORKERS,
    proxyPort: found.ONECLI_PROXY_PORT,
    apiPort: found.ONECLI_API_PORT,
    bind: found.ONECLI_BIND,
    masterKey: toMasterKeySource(found.ONECLI_MASTER_KEY, found.ONECLI_MASTER_KEY_FILE),
    adminUser: found.ONECLI_ADMIN_USER,
    adminPassword: found.ONECLI_ADMIN_PASSWORD,
    drainMs: found.ONECLI_DRAIN_MS,
    drainWaitMs: found.ONECLI_DRAIN_WAIT_MS,
    ownListeners: found.ONECLI_OWN_LISTENERS,
    logLevel: found.ONECLI_LOG_LEVEL,
    workerSettings: definedOnly(workerSettings),
    apiSettings: definedOnly({
      ...apiSettings(found),
      ONECLI_OTLP_ENDPOINT: found.ONECLI_OTLP_ENDPOINT,
      // What rotates secrets calls providers as workers call upstreams.
      ONECLI_UPSTREAM_CA_FILE: found.ONECLI_UPSTREAM_CA_FILE,
      ONECLI_ALLOW_RANGES: found.ONECLI_ALLOW_RANGES,
      ONECLI_CONNECT_TO: found.ONECLI_CONNECT_TO,
    }),
    inheritedEnvironment: definedOnly(
      Object.fromEntries(
        Object.entries(environment).filter(
          ([name]) => name === 'PATH' || name === 'HOME' || name === 'TZ' || /^(?:NODE|OTEL)_/.test(name),
        ),
      ),
    ),
  };
}

function toMasterKeySource(hex: string | undefined, path: string | undefined): MasterKeySource {
  if (hex !== undefined) return { kind: 'given', hex };
  return path === undefined ? { kind: 'data-folder' } : { kind: 'file', path };
}

function definedOnly(values: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function unknownNames(given: Environment): string[] {
  return Object.keys(given)
    .filter((name) => !(name in variables.shape) && !foreignVariables.has(name) && !name.startsWith('ONECLI_CLUSTER_'))
    .map((name) => `${name} is not a variable of OneCLI: it has no effect.`);
}

export function wholeNumber(least: number, most: number, message: string) {
  return z
    .string()
    .regex(/^[0-9]{1,7}$/, message)
    .transform(Number)
    .refine((value) => value >= least && value <= most, message);
}

function readableFile() {
  return z
    .string()
    .refine(isReadableFile, 'expected a file that can be read')
    .transform((path) => resolve(path));
}

function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return !statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function listOf(isItem: (item: string) => boolean, message: string) {
  return z.string().refine((text) => text.split(',').every((item) => isItem(item.trim())), message);
}
