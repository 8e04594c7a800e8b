/** One request to its upstream and the answer back over a stream of an HTTP/2 connection. */
import type { GrantScope } from '@onecli/shared/domain/grant-placeholders';
import { inspectHeader } from '@onecli/shared/domain/inspect-header';
import { traceContextFields } from '@onecli/shared/telemetry/trace-context';
import { turnBytes } from '../load/fair-turns.ts';
import type { AgentStream, BodyPiece } from '../proxy/agent-stream.ts';
import { refusal } from '../proxy/answer.ts';
import type { DataPlane } from '../proxy/data-plane.ts';
import { explainSilence } from '../proxy/explain-silence.ts';
import type { Forwarded, Outgoing, Sending, Stale } from '../proxy/outgoing.ts';
import { relayAnswer } from '../proxy/relay-answer.ts';
import { unlessGone, withhold } from '../proxy/withhold.ts';
import { writeBytes } from '../proxy/write-bytes.ts';
import type { Header } from '../wire/head.ts';
import { requestFields, trailerFields } from './fields.ts';
import type { UpstreamSession } from './upstream-session.ts';
import { UpstreamStream } from './upstream-stream.ts';

/**
 * Sends a request on the stream that room was kept for, and relays the answer. When either side resets its stream, so is
 * the other's: the agent's with CANCEL for the upstream, the upstream's as a cut answer for the agent (rule 9).
 */
export async function exchangeStream(
  plane: DataPlane,
  agent: AgentStream,
  outgoing: Outgoing,
  session: UpstreamSession,
): Promise<Forwarded | Stale> {
  const wasReused = session.isReused;
  const { method, target, headers, body } = outgoing;
  const recording = outgoing.departure.intend();
  const isRecorded = recording && (await unlessGone(agent, recording));
  const withheld = withhold(agent, outgoing, isRecorded);
  if (withheld) {
    session.giveRoomBack();
    return withheld;
  }
  const opened = session.request(() => requestFields(method, target, headers, body.framing), body.isEmpty);
  if (!opened) return { kind: 'stale', isUnsent: true };
  const upstream = new UpstreamStream(opened, plane.clock);
  const sending: Sending = { isDone: false, waitsFor: 'upstream', fault: undefined };
  agent.onGone = () => upstream.cancel();
  try {
    outgoing.departure.leaving();
    upstream.deadline.cap(plane.limits.requestMs);
    upstream.deadline.extend(plane.limits.bodyIdleMs);
    sendBody(plane, outgoing, upstream, sending).catch((error: unknown) => {
      plane.log.error({ err: error }, 'sending a request body failed');
      upstream.cancel();
    });
    const relayed = await relayAnswer(plane, agent, outgoing, upstream, sending);
    if (relayed.kind !== 'no-answer') return relayed;
    return explainSilence(agent, upstream, sending, upstream.isRefused || (wasReused && session.hasEnded));
  } finally {
    agent.onGone = undefined;
    // Whole both ways it is closed already. An upstream that has answered does not wait for the rest of a request.
    upstream.cancel();
  }
}

async function sendBody(
  plane: DataPlane,
  { body }: Outgoing,
  upstream: UpstreamStream,
  sending: Sending,
): Promise<void> {
  const { bodyIdleMs, firstByteMs } = plane.limits;
  const mayGoOn = ({ name }: Header): boolean =>
    plane.isTraceContextForwarded === true || !traceContextFields.has(name);
  const { stream, deadline } = upstream;
  let turnedAtBytes = 0;
  for (let isLast = body.isEmpty; !isLast; ) {
    sending.waitsFor = 'agent';
    const next = await body.next();
    sending.waitsFor = 'upstream';
    const piece = next.kind === 'payload' && next.isLast ? checkTrailers(next, body.trailers) : next;
    if (piece.kind !== 'payload') {
      sending.fault = piece.kind === 'lost' ? 'agent-gone' : piece;
      return upstream.cancel();
    }
    if (!(await writeBytes(stream, piece.chunks))) return;
    deadline.extend(bodyIdleMs);
    isLast = piece.isLast;
    if (isLast || body.bytes - turnedAtBytes < turnBytes) continue;
    await plane.turns.next(body.bytes - turnedAtBytes);
    turnedAtBytes = body.bytes;
  }
  body.letGo();
  sending.isDone = true;
  deadline.extend(firstByteMs);
  if (body.isEmpty) return;
  stream.once('wantTrailers', () => stream.sendTrailers(trailerFields(body.trailers.filter(mayGoOn))));
  stream.end();
}

/** Trailers are no surface: a placeholder or an alias there, in whatever way a header may hold one, would go on as it is (rule 5). */
function checkTrailers(last: BodyPiece, trailers: readonly Header[]): BodyPiece {
  return trailers.some((trailer, index) => inspectHeader(trailer, index, nothingGranted) !== undefined)
    ? refusal('PLACEHOLDER_NOT_BOUND', 'A placeholder stands in the trailers of the request, where no secret is bound.')
    : last;
}

const nothingGranted: GrantScope = {
  configuration: { secret: () => undefined, alias: () => undefined },
  grants: new Set(),
  host: '',
  port: 0,
  isSecure: true,
};
