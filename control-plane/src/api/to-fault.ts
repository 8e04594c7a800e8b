import { Fault } from '@onecli/shared/fault';

/** What express' body reader says of a body, by its `type`. Its messages quote the body, so none of them is passed on. */
const bodyFaults: Readonly<Record<string, () => Fault>> = {
  'entity.too.large': () => new Fault('TOO_LARGE', 'The body is too large'),
  'entity.parse.failed': () => new Fault('INVALID', 'The body is not well-formed JSON', { field: 'body' }),
  'encoding.unsupported': () => new Fault('UNSUPPORTED_MEDIA', 'The body must not be compressed'),
  'charset.unsupported': () => new Fault('UNSUPPORTED_MEDIA', 'The body must be in UTF-8'),
  'request.aborted': () => new Fault('BAD_REQUEST', 'The body ended too early'),
  'request.size.invalid': () => new Fault('BAD_REQUEST', 'The body is not as long as Content-Length says'),
};

/** Node's codes and PostgreSQL's classes (appendix A of its manual) that mean: the database cannot be asked now. */
const awayCodes =
  /^(?:ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|08...|57P0[123]|53300)$/;
const awayMessages =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout)/;

/** The fault that stands for whatever was thrown. What is unknown becomes INTERNAL, with the error as its cause. */
export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof Error)) return internal(error);
  const { type, code } = error as { type?: unknown; code?: unknown };
  if (typeof type === 'string' && Object.hasOwn(bodyFaults, type)) return bodyFaults[type]?.() ?? internal(error);
  if (error instanceof URIError) return new Fault('INVALID', 'The path has a bad escape', { field: 'name' });
  const isAway = (typeof code === 'string' && awayCodes.test(code)) || awayMessages.test(error.message);
  return isAway ? new Fault('NOT_READY', 'The database cannot be reached now', { cause: error }) : internal(error);
}

function internal(cause: unknown): Fault {
  return new Fault('INTERNAL', 'An unexpected fault', { cause });
}
