/** Connects to the first of several addresses that takes the connection (RFC 8305 section 5). */
import type { ResolvedAddress } from '@onecli/shared/netguard/checked-resolver';
import type { Socket } from 'node:net';

/** After so long the next address is tried as well: the earlier ones may still answer. */
const attemptDelayMs = 250;
/** A name may have hundreds: no more are tried. */
const maxAttempts = 8;

export type Raced<Attempt> =
  | { readonly kind: 'connected'; readonly attempt: Attempt }
  /** `error` is the first that came; none when the time was over. */
  | { readonly kind: 'unreachable'; readonly error: Error | undefined };

/**
 * Opens a socket to each address in turn, the next as soon as one has failed or has been silent for a while, and gives the
 * first that is connected; the others are ended. Families take turns. Never rejects.
 * @param open begins to connect
 * @param timeoutMs for all of them together
 */
export function raceAddresses<Attempt extends { readonly socket: Socket }>(
  addresses: readonly ResolvedAddress[],
  open: (address: ResolvedAddress) => Attempt,
  timeoutMs: number,
): Promise<Raced<Attempt>> {
  return new Promise((resolve) => {
    const waiting = inTurns(addresses).slice(0, maxAttempts);
    const underway = new Set<Attempt>();
    let firstError: Error | undefined;
    let delay: NodeJS.Timeout | undefined;
    const settle = (raced: Raced<Attempt>): void => {
      clearTimeout(delay);
      clearTimeout(timeout);
      waiting.length = 0;
      for (const attempt of underway) {
        underway.delete(attempt);
        if (raced.kind !== 'connected' || attempt !== raced.attempt) attempt.socket.destroy();
      }
      resolve(raced);
    };
    const tryNext = (): void => {
      clearTimeout(delay);
      const address = waiting.shift();
      if (!address) {
        if (underway.size === 0) settle({ kind: 'unreachable', error: firstError });
        return;
      }
      if (waiting.length > 0) delay = setTimeout(tryNext, attemptDelayMs);
      const attempt = open(address);
      const { socket } = attempt;
      underway.add(attempt);
      const onError = (error: Error): void => {
        firstError ??= error;
      };
      const onClose = (): void => {
        if (underway.delete(attempt)) tryNext();
      };
      socket.on('error', onError).on('close', onClose);
      socket.once('connect', () => {
        // Whoever awaits the winner listens a moment later, and an error that nobody hears would end the process.
        socket.off('error', onError).off('close', onClose).on('error', ignore);
        settle({ kind: 'connected', attempt });
      });
    };
    const timeout = setTimeout(() => settle({ kind: 'unreachable', error: undefined }), timeoutMs);
    tryNext();
  });
}

const ignore = (): void => undefined;

/** The families in turns, that of the first address first; within each the order stays. */
function inTurns(addresses: readonly ResolvedAddress[]): ResolvedAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const other = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return first
    .flatMap((address, index) => [address, ...other.slice(index, index + 1)])
    .concat(other.slice(first.length));
}
