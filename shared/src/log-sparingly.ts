interface SparingLog {
  warn(fields: object, message: string): void;
}

const sameAgainMs = 30_000;

/** Logs what a connection reports while its server is away: the same message once in half a minute, another one at once. */
export function logSparingly(
  log: SparingLog,
  text: string,
  now: () => number = () => performance.now(),
): (error: Error) => void {
  let last: { readonly message: string; readonly atMs: number } | undefined;
  return (error) => {
    if (last?.message === error.message && now() - last.atMs < sameAgainMs) return;
    last = { message: error.message, atMs: now() };
    log.warn({ err: error }, text);
  };
}
