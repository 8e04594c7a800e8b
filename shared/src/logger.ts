import { type DestinationStream, type LogFn, type Logger, pino } from 'pino';
import { hideCredentials, hideInText, hiddenText } from './hide-credentials.ts';

/** Names of fields that a child logger may be bound to by mistake; of all others `hideCredentials` knows more. */
const hiddenOfChildren = ['value', 'password', 'token', 'authorization', 'cookie', 'masterKey', 'secret', 'key'];

/**
 * A process's log: JSON lines on stdout. Of an error only its name, message, code, stack and causes are written; libraries hang
 * queries, parameters and request bodies on theirs. What is named like a credential is hidden, and what looks like one, wherever
 * it stands in the line.
 */
export function createLogger(name: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { process: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: ({ err, ...fields }: Record<string, unknown>) => ({
        ...(err !== undefined && { err }),
        ...(hideCredentials(fields) as object),
      }),
    },
    serializers: { err: describeError },
    redact: { paths: hiddenOfChildren, censor: hiddenText },
    hooks: { logMethod: hideInArguments },
  };
  const lines = destination ?? pino.destination({ dest: 1, sync: true });
  return pino(options, { write: (line: string) => lines.write(hideInText(line)) });
}

/** What is put into the message by `%o` and the like; an error that stands alone is a field of its line. */
function hideInArguments(this: Logger, parameters: Parameters<LogFn>, write: LogFn): void {
  const [first, ...others] = parameters as unknown[];
  const hidden = [first instanceof Error ? { err: first } : first, ...others.map((each) => hideCredentials(each))];
  write.apply(this, hidden as Parameters<LogFn>);
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
