/** The upstream's answer on its way to the agent: parsed strictly, framed by us, streamed as it comes (rules 3, 7, 9). */
import { ContentDecoder, contentCodings } from '../scrub/content-decoder.ts';
import type { Framing } from '../wire/frame-body.ts';
import type { ResponseHead } from '../wire/head.ts';
import { isCloseAsked, withoutHopByHop } from '../wire/hop-by-hop.ts';
import { switchToWebSocket } from '../websocket/serve-web-socket.ts';
import type { AgentStream } from './agent-stream.ts';
import { type Refusal, refusal } from './answer.ts';
import type { AnswerSource } from './answer-source.ts';
import type { DataPlane } from './data-plane.ts';
import type { Outgoing, Sending, Stopped } from './outgoing.ts';
import { BodyRelay, type Relayed } from './relay-body.ts';
import { ScrubbedPayload } from './scrubbed-payload.ts';

export type AnswerRelayed =
  | Relayed
  | Stopped
  /** The connection ended before the first byte of an answer. */
  | { readonly kind: 'no-answer' };

/** At most this many interim answers (1xx) before the final one. */
const maxInterim = 16;

/** Relays interim answers and the final one. */
export async function relayAnswer(
  plane: DataPlane,
  agent: AgentStream,
  outgoing: Outgoing,
  upstream: AnswerSource,
  sending: Sending,
): Promise<AnswerRelayed> {
  for (let interim = 0; interim <= maxInterim; interim++) {
    const reading = upstream.readHead();
    const read = reading instanceof Promise ? await reading : reading;
    if (read.kind === 'ended') {
      return read.isPartial || interim > 0 ? cutHead(upstream, sending) : { kind: 'no-answer' };
    }
    if (read.kind === 'fault') return malformed(read.detail);
    const { status, reason, headers } = read.head;
    if (status === 101) return switchToWebSocket(plane, agent, upstream, outgoing.webSocket, read.head);
    const forwarded = { status, reason, headers: withoutHopByHop(headers) };
    const head = outgoing.scrub ? outgoing.scrub.head(forwarded, read.bytes) : forwarded;
    if (head === 'refused') return refusal('SECRET_ECHOED', 'The head of the answer holds a secret of the request.');
    if (status < 200) {
      await agent.interim(head);
      continue;
    }
    outgoing.departure.answering();
    const relay = beginAnswer(plane, agent, outgoing, upstream, sending, read.head, head);
    return relay instanceof BodyRelay ? (relay.moveReady() ?? (await relay.move())) : relay;
  }
  return refusal('UPSTREAM_INVALID', 'The upstream sent too many interim answers.');
}

function malformed(detail: string): Refusal {
  return refusal('UPSTREAM_INVALID', `The upstream's answer is malformed: ${detail}.`);
}

function cutHead(upstream: AnswerSource, sending: Sending): Refusal {
  if (sending.fault !== undefined && sending.fault !== 'agent-gone') return sending.fault;
  return upstream.hasTimedOut
    ? refusal('UPSTREAM_TIMEOUT', 'The upstream did not finish its answer in time.')
    : refusal('UPSTREAM_INVALID', 'The upstream closed the connection within the head of its answer.');
}

type ForwardedHead = Pick<ResponseHead, 'status' | 'reason' | 'headers'>;

/** @param forwarded the head as it goes on */
function beginAnswer(
  plane: DataPlane,
  agent: AgentStream,
  outgoing: Outgoing,
  upstream: AnswerSource,
  sending: Sending,
  head: ResponseHead,
  forwarded: ForwardedHead,
): BodyRelay | Refusal {
  const payload = upstream.payloadOf(head, outgoing.method);
  if ('kind' in payload) return malformed(payload.detail);
  const { framing, body } = payload;
  // After a request to upgrade, what is said next might be heard as another protocol: its connection is not used again.
  const isUpstreamReusable =
    !outgoing.webSocket && framing.kind !== 'close' && head.minor === 1 && !isCloseAsked(head.headers);
  const { scrub, departure } = outgoing;
  const answer = { status: head.status, isUpstreamReusable, scrub, departure };
  const begin = (sent: ForwardedHead, sentFraming: Framing): void =>
    agent.begin(sent, sentFraming, !outgoing.isKeptAlive || !sending.isDone);
  if (!outgoing.scrub) {
    begin(forwarded, framing);
    return new BodyRelay(plane, agent, upstream, sending, body, answer);
  }
  const codings = body.isDone ? [] : contentCodings(head.headers);
  if (!codings) return refusal('UPSTREAM_ENCODING', 'The content coding of the answer is not known here.');
  // What ends by closing is not told to be whole (RFC 9112 9.8), encoded or not.
  const isCoded = codings.length > 0;
  const scrubbedFraming: Framing = isCoded && framing.kind !== 'close' ? { kind: 'chunked' } : framing;
  const sent = isCoded
    ? { ...forwarded, headers: forwarded.headers.filter(({ name }) => name !== 'content-encoding') }
    : forwarded;
  const search = outgoing.scrub.payload('body');
  const scrubbed = new ScrubbedPayload(search, scrubbedFraming, (to) => begin(sent, to));
  const decoder = isCoded ? new ContentDecoder(codings) : undefined;
  return new BodyRelay(plane, agent, upstream, sending, body, answer, scrubbed, decoder);
}
