/** A request whose very bytes came before: what follows from them, under one configuration, for one agent and its grants. */
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import type { WantedSecrets } from '../scrub/answer-scrub.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import type { Header, RequestHead } from '../wire/head.ts';
import { RepeatedHead } from '../wire/repeated-heads.ts';
import type { Judgement } from './judge-request.ts';
import type { Placed } from './place-secrets.ts';
import type { StrictRequest } from './strict-request.ts';

/**
 * All of it is a pure function of the head and of `agent`, `grants` and `rules`, under the configuration that it is kept
 * with. What depends on anything else (identity, time windows, limits, room in the audit trail) is asked for each request.
 */
export interface KnownRequest extends Judgement {
  readonly agent: AgentRecord;
  /** What policy granted to it. */
  readonly grants: ReadonlySet<string>;
  readonly request: StrictRequest;
  readonly placed: Placed;
  readonly wanted: WantedSecrets | undefined;
  /** Of the secrets that leave, as the trail has them. */
  readonly labels: readonly string[];
  /** The fields that leave, and the whole head as it leaves over HTTP/1.1. */
  readonly headers: readonly Header[];
  readonly bytes: Buffer;
}

/** With the moment from which on it does not hold: a secret expires, or the alias that it was asked for by dies. */
interface TimedRequest extends KnownRequest {
  readonly untilMs: number;
}

/** What is known of a head under a configuration, when that was worked out for this agent. */
export function knownRequest(
  head: RequestHead,
  configuration: Configuration,
  agent: AgentRecord,
): KnownRequest | undefined {
  if (!isRepeated(head)) return undefined;
  const known = head.knownUnder(configuration);
  return known?.agent === agent && known.untilMs > Date.now() ? known : undefined;
}

/** A head that is longer with its secrets in place is written anew each time: thousands of connections may keep one each. */
const maxBytes = 8192;

/** Keeps what was worked out from a head if that came before. `make` gives it. */
export function keepKnown(head: RequestHead, configuration: Configuration, make: () => KnownRequest): void {
  if (!isRepeated(head)) return;
  const known = make();
  if (known.bytes.length > maxBytes) return;
  head.keep(configuration, { ...known, untilMs: untilMs(known.placed) });
}

/**
 * When the first thing that was placed must not be placed any more, in milliseconds since the epoch. A secret is told of once,
 * by one of the texts that it was asked for by: any of the others may have been its alias that dies.
 */
function untilMs({ used }: Placed): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { expiresAtMs, previousAlias } of used.map(({ secret }) => secret)) {
    if (expiresAtMs !== undefined) first = Math.min(first, expiresAtMs);
    if (previousAlias !== undefined && previousAlias.untilMs > Date.now())
      first = Math.min(first, previousAlias.untilMs);
  }
  return first;
}

function isRepeated(head: RequestHead): head is RepeatedHead<Configuration, TimedRequest> {
  return head instanceof RepeatedHead;
}
