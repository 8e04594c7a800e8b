/** The variables of a worker: what each may hold, and what it is when it is not set. */
import { isIP } from 'node:net';
import { type LimitName, limitVariables, parseLimit } from '@onecli/shared/limits-table';
import { redisVariables } from '@onecli/shared/redis-settings';
import { telemetryVariables } from '@onecli/shared/telemetry/collector-settings';
import { z } from 'zod';
import { auditModes } from './audit/audit-mode.ts';
import { wholeNumber } from './whole-number.ts';

/** Decimal digits alone: what Number() takes besides (hexadecimal, exponents, blanks) nobody means as a port. */
const port = wholeNumber((value) => value >= 1 && value <= 65_535);

const limitNames = Object.keys(limitVariables) as LimitName[];
const limitSchemas = Object.fromEntries(limitNames.map((name) => [name, limit(name)])) as Record<
  LimitName,
  ReturnType<typeof limit>
>;

/** What each variable of a worker means; an empty one counts as not set. `.env.example` is checked against this. */
export const workerEnvironment = z.object({
  DATABASE_URL: z.string().min(1).describe('PostgreSQL, as a URL'),
  DATABASE_URL_FILE: z.string().optional().describe('a file that holds DATABASE_URL'),
  REDIS_URL: z.string().optional().describe(redisVariables.REDIS_URL),
  REDIS_URL_FILE: z.string().optional().describe('a file that holds REDIS_URL'),
  REDIS_MODE: z.string().optional().describe(redisVariables.REDIS_MODE),
  REDIS_SENTINEL_NAME: z.string().optional().describe(redisVariables.REDIS_SENTINEL_NAME),
  REDIS_SENTINEL_PASSWORD: z.string().optional().describe(redisVariables.REDIS_SENTINEL_PASSWORD),
  REDIS_SENTINEL_PASSWORD_FILE: z.string().optional().describe('a file that holds REDIS_SENTINEL_PASSWORD'),
  REDIS_CA_FILE: z.string().optional().describe(redisVariables.REDIS_CA_FILE),
  ONECLI_MASTER_KEY: z.string().optional().describe('the master key, 64 hex digits'),
  ONECLI_MASTER_KEY_FILE: z.string().optional().describe('a file that holds the master key'),
  ONECLI_PROXY_PORT: port.prefault('10254').describe('a port from 1 to 65535'),
  ONECLI_BIND: z
    .string()
    .refine((text) => isIP(text) !== 0)
    .default('127.0.0.1')
    .describe('an IP address to listen on'),
  ONECLI_LISTENER: z
    .enum(['own', 'ipc'])
    .default('own')
    .describe('own: listen on the port; ipc: take the socket from the parent process'),
  ONECLI_WORKER_NAME: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default('worker-1')
    .describe('a name of lower-case letters, digits and hyphens'),
  ONECLI_SNAPSHOT_FILE: z.string().optional().describe('a file, of this worker alone, to keep the configuration in'),
  ONECLI_SNAPSHOT_MAX_HOURS: wholeNumber((value) => value >= 1 && value <= 87_600)
    .prefault('168')
    .describe('hours, 1 to 87600, after which that file is not used any more unless the database confirmed it'),
  ONECLI_UPSTREAM_CA_FILE: z.string().optional().describe('a PEM file with further roots for upstreams'),
  ONECLI_CLIENT_CA_FILE: z
    .string()
    .optional()
    .describe('a PEM file with authorities whose client certificates may be agents'),
  ONECLI_TRUSTED_PROXIES: z
    .string()
    .default('')
    .describe('CIDRs, comma-separated, of load balancers that send the PROXY protocol'),
  ONECLI_PROXY_PROTOCOL: z
    .enum(['optional', 'required'])
    .default('optional')
    .describe('optional or required: whether those balancers may leave it out'),
  ONECLI_ALLOW_RANGES: z
    .string()
    .default('')
    .describe('CIDRs, comma-separated, that may be dialled though they are private'),
  ONECLI_CONNECT_TO: z.string().default('').describe('host:port=address:port, comma-separated'),
  ONECLI_OWN_LISTENERS: z.string().default('').describe('address:port, comma-separated: where OneCLI itself listens'),
  ONECLI_GATEWAY_NAMES: z
    .string()
    .default('')
    .describe('host names, comma-separated, by which agents reach this gateway'),
  ONECLI_REFUSE_INSIDE_TUNNEL: z
    .enum(['on', 'off'])
    .default('on')
    .describe('on or off: whether agents get the refusal of a host inside the tunnel, where clients show it'),
  ONECLI_DRAIN_MS: wholeNumber((value) => value <= 3_600_000)
    .prefault('10000')
    .describe('milliseconds, at most 3600000, that requests under way get to finish when the worker stops'),
  ONECLI_DRAIN_WAIT_MS: wholeNumber((value) => value <= 600_000)
    .prefault('0')
    .describe(
      'milliseconds, at most 600000, that a worker which stops still accepts connections while it is not ready',
    ),
  ONECLI_SPOOL_DIR: z
    .string()
    .optional()
    .describe('a folder that lasts, for the audit trail until it is written in the database'),
  ONECLI_AUDIT_MODE: z
    .enum(auditModes)
    .default('default')
    .describe('default, durable or strict: what a secret that leaves waits for'),
  ...limitSchemas,
  ...telemetryVariables,
  ONECLI_FORWARD_TRACE_CONTEXT: z.enum(['on', 'off']).default('off').describe('on or off'),
  ONECLI_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace'])
    .default('info')
    .describe('fatal, error, warn, info, debug or trace'),
});

export type Variables = z.output<typeof workerEnvironment>;

function limit(name: LimitName) {
  const { byDefault, expected } = limitVariables[name];
  return z
    .string()
    .transform((text, context) => {
      const value = parseLimit(name, text);
      if (value === undefined) context.addIssue({ code: 'custom', message: expected });
      return value ?? byDefault;
    })
    .prefault(String(byDefault))
    .describe(expected);
}
