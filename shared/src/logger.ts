import { type DestinationStream, type Logger, pino } from 'pino';

/** Names of fields that could hold a credential, wherever they stand near the top of a record. */
const hidden = [
  'value',
  'password',
  'token',
  'authorization',
  'cookie',
  'masterKey',
  'databaseUrl',
  'connectionString',
];

/**
 * A process's log: JSON lines on stdout. Of an error only its name, message, code, stack and causes are written; libraries hang
 * queries, parameters and request bodies on theirs.
 */
export function createLogger(name: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { process: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    redact: { paths: hidden.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[hidden]' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

const maxCauses = 4;

/** The plain facts of an error and of what caused it, without whatever else hangs on it. */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code } = error as NodeJS.ErrnoException;
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    stack: error.stack,
    ...(error.cause !== undefined && depth < maxCauses && { cause: describeError(error.cause, depth + 1) }),
  };
}
