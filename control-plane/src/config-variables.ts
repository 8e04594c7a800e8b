/** The variables that the control plane reads, each with what is expected of it. */
import { isIP } from 'node:net';
import { parseCidr } from '@onecli/shared/domain/cidr';
import { parseConnectTo } from '@onecli/shared/netguard/connect-to';
import { parseRanges } from '@onecli/shared/netguard/parse-ranges';
import { telemetryVariables } from '@onecli/shared/telemetry/collector-settings';
import { z } from 'zod';
import { sinkVariables } from './audit/sinks/sink-settings.ts';

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const portText = 'expected a port number, 1-65535';
const port = z
  .string()
  .regex(/^[0-9]{1,5}$/, portText)
  .transform(Number)
  .refine((value) => value >= 1 && value <= 65_535, portText);
export const hexKey = z.string().regex(/^[0-9a-f]{64}$/i, 'expected exactly 64 hexadecimal digits');
const filePath = z.string();
export const password = z
  .string()
  .min(8, 'expected at least 8 characters')
  .max(1024, 'expected at most 1024 characters');
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
