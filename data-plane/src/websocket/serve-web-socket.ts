/** A WebSocket from its upstream's 101 to its end: who may say what to whom, and what is told of it. */
import { placeInText, type PlacedText } from '../credentials/place-in-text.ts';
import type { AgentStream, SwitchedConnection } from '../proxy/agent-stream.ts';
import type { AnswerSource } from '../proxy/answer-source.ts';
import { refusal } from '../proxy/answer.ts';
import type { DataPlane } from '../proxy/data-plane.ts';
import type { Stopped } from '../proxy/outgoing.ts';
import type { Relayed } from '../proxy/relay-body.ts';
import type { Upstream } from '../proxy/upstream-pool.ts';
import { writeBytes } from '../proxy/write-bytes.ts';
import type { ResponseHead } from '../wire/head.ts';
import type { DeflateParameters } from './codec/extensions.ts';
import { FrameParser } from './codec/frame-parser.ts';
import { FrameWriter } from './codec/frame-writer.ts';
import { HeldText } from './held-text.ts';
import type { Emit, Messages } from './message-filter.ts';
import { RecodedMessages } from './recoded-messages.ts';
import { FrameRelay, type WebSocketEnd } from './relay-frames.ts';
import { scrubbedControl } from './scrubbed-control.ts';
import { ScrubbedMessage } from './scrubbed-message.ts';
import { StreamedMessages } from './streamed-messages.ts';
import { judgeAcceptance } from './upgrade.ts';
import { CheckedText, WatchedText } from './watched-text.ts';
import type { WebSocketRequest } from './web-socket-request.ts';

/**
 * Times end too, of rules, identities and secrets, and what changed before the 101 was told to whoever had the connection then:
 * also where nobody says anything all is looked at this often.
 */
const lookEveryMs = 1000;

/** Takes an upstream's 101 and what follows it. A 101 that nobody asked for, or that answers something else, is refused. */
export async function switchToWebSocket(
  plane: DataPlane,
  agent: AgentStream,
  source: AnswerSource,
  request: WebSocketRequest | undefined,
  head: ResponseHead,
): Promise<Relayed | Stopped> {
  if (!request || !agent.switchProtocols || !isConnection(source)) {
    return refusal('UPSTREAM_INVALID', 'The upstream switched protocols unasked.');
  }
  const accepted = judgeAcceptance(head, request.upgrade);
  if (accepted.kind === 'refused') {
    return refusal('UPSTREAM_INVALID', `The upstream's 101 is not an answer to this handshake: ${accepted.detail}.`);
  }
  const { status, reason } = head;
  const forwarded = { status, reason, headers: accepted.headers };
  const scrubbed = request.scrub()?.head(forwarded) ?? forwarded;
  if (scrubbed === 'refused') return refusal('SECRET_ECHOED', 'The head of the answer holds a secret of the request.');
  const connection = agent.switchProtocols(scrubbed);
  return await serveWebSocket(plane, connection, source, request, accepted.deflate);
}

function isConnection(source: AnswerSource): source is Upstream {
  return source.socket !== undefined;
}

/** Relays frames until the WebSocket is over. Never rejects. Its upstream's connection is ended. */
async function serveWebSocket(
  plane: DataPlane,
  agent: SwitchedConnection,
  upstream: Upstream,
  request: WebSocketRequest,
  deflate: DeflateParameters | undefined,
): Promise<Relayed | Stopped> {
  const { idleMs, closeMs, heldFrameBytes } = plane.limits.webSocket;
  const parserOptions = { allowsCompression: deflate !== undefined, heldFrameBytes };
  const writers = { agent: new FrameWriter(false), upstream: new FrameWriter(true) };
  // The bound is a request's, and this is none any more.
  upstream.deadline.cap(Number.POSITIVE_INFINITY);
  upstream.deadline.pause();
  const relay = new FrameRelay({
    agent: {
      reader: agent.reader,
      write: (pieces) => agent.write(pieces),
      writer: writers.agent,
      parser: new FrameParser({ ...parserOptions, isFromClient: true }),
    },
    upstream: {
      reader: upstream.reader,
      write: (pieces) => writeToUpstream(plane, upstream, pieces),
      writer: writers.upstream,
      parser: new FrameParser({ ...parserOptions, isFromClient: false }),
    },
    towardsUpstream: (emit) => agentMessages(plane, writers.upstream, emit, request, deflate),
    towardsAgent: (emit) => upstreamMessages(plane, writers.agent, emit, request, deflate),
    controlTowardsAgent: (frame) => scrubbedControl(frame, request.scrub()),
    isStillAllowed: () => request.whyNot() === undefined,
    deadline: (onExpired) => plane.clock.deadline(onExpired),
    idleMs,
    closeMs,
    onError: (error) => plane.log.error({ err: error }, 'relaying a WebSocket failed'),
  });
  const ending = relay.run();
  agent.connection.retire = () => relay.goAway();
  agent.connection.holder = relay;
  const look = plane.clock.deadline(() => {
    relay.lookAgain();
    look.extend(lookEveryMs);
  });
  look.extend(lookEveryMs);
  const end = await ending;
  look.clear();
  agent.connection.retire = undefined;
  agent.connection.holder = undefined;
  request.onRequestBytes(relay.requestBytes);
  if (end.kind === 'closed') await flushed(upstream, closeMs);
  return outcomeOf(end, request, upstream, relay.responseBytes);
}

/** Agents' text is looked into where a secret may be placed in it, and only watched where none may. */
function agentMessages(
  plane: DataPlane,
  writer: FrameWriter,
  emit: Emit,
  request: WebSocketRequest,
  deflate: DeflateParameters | undefined,
): Messages {
  const { onFinding } = request;
  if (!request.isTextReplaced) return new StreamedMessages(writer, emit, () => new WatchedText(onFinding));
  const { heldMessageBytes, maxInflatedBytes } = plane.limits.webSocket;
  const heldIn = plane.heldBodies;
  const place = (text: string): PlacedText => placeText(plane, request, text);
  return new RecodedMessages({
    writer,
    emit,
    filterOf: (message) =>
      message === 'text' ? new HeldText({ place, onFinding, heldMessageBytes, heldIn }) : undefined,
    maxWindowBits: deflate?.clientMaxWindowBits ?? 15,
    noContextTakeover: deflate?.clientNoContextTakeover ?? false,
    maxInflatedBytes,
  });
}

/** Upstreams' messages are looked into where a secret left with the handshake, or may leave in a message (rule 10). */
function upstreamMessages(
  plane: DataPlane,
  writer: FrameWriter,
  emit: Emit,
  request: WebSocketRequest,
  deflate: DeflateParameters | undefined,
): Messages {
  if (!request.isTextReplaced && !request.scrub()) return new StreamedMessages(writer, emit, () => new CheckedText());
  return new RecodedMessages({
    writer,
    emit,
    filterOf: (message) => new ScrubbedMessage(message, () => request.scrub()),
    maxWindowBits: deflate?.serverMaxWindowBits ?? 15,
    noContextTakeover: deflate?.serverNoContextTakeover ?? false,
    maxInflatedBytes: plane.limits.webSocket.maxInflatedBytes,
  });
}

function placeText(plane: DataPlane, request: WebSocketRequest, text: string): PlacedText {
  const scope = request.scope();
  if (!scope) return { kind: 'refused', reason: 'PLACEHOLDER_NOT_GRANTED' };
  const placed = placeInText(text, scope, plane.opener);
  if (placed.kind === 'unavailable') plane.log.error({ err: placed.cause }, 'a secret could not be opened');
  if (placed.kind !== 'placed' || placed.used.length === 0) return placed;
  if (request.mayLeave(placed.used)) request.onLeaving(placed.used);
  else return { kind: 'unavailable', cause: new Error('the audit trail cannot take more') };
  return placed;
}

/** Waits while the upstream does not read; one that does not for too long loses its connection. */
function writeToUpstream(plane: DataPlane, upstream: Upstream, pieces: readonly Buffer[]): boolean | Promise<boolean> {
  const written = writeBytes(upstream.socket, pieces);
  if (typeof written === 'boolean') return written;
  upstream.deadline.extend(plane.limits.bodyIdleMs);
  return written.finally(() => upstream.deadline.pause());
}

/** Ends the upstream's connection after what was written to it, a Close above all: it has `closeMs` to take that. */
function flushed({ socket, deadline }: Upstream, closeMs: number): Promise<void> {
  deadline.extend(closeMs);
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.end(() => resolve());
  });
}

function outcomeOf(
  end: WebSocketEnd,
  request: WebSocketRequest,
  upstream: Upstream,
  responseBytes: number,
): Relayed | Stopped {
  const status = 101;
  switch (end.kind) {
    case 'closed':
      return { kind: 'answered', status, responseBytes, isUpstreamReusable: false };
    case 'revoked':
      return { kind: 'stopped', code: request.whyNot() ?? 'POLICY_DENIED', status, responseBytes };
    case 'gone': {
      const code = end.side === 'agent' ? 'AGENT_GONE' : upstream.hasTimedOut ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_INVALID';
      return { kind: 'broken', code, status, responseBytes };
    }
    case 'faulty':
      return faultOutcome(end, responseBytes);
    case 'failed':
      return { kind: 'broken', code: 'INTERNAL', status, responseBytes };
  }
}

/** What an agent did wrong it was told by a Close; for what its upstream did, it is cut. */
function faultOutcome(
  { side, fault }: Extract<WebSocketEnd, { kind: 'faulty' }>,
  responseBytes: number,
): Relayed | Stopped {
  const reason = 'reason' in fault ? fault.reason : undefined;
  const status = 101;
  if (side === 'agent' && reason !== 'SECRET_ECHOED') {
    return { kind: 'stopped', code: reason ?? 'BAD_REQUEST', status, responseBytes };
  }
  return { kind: 'broken', code: reason === 'SECRET_ECHOED' ? reason : 'UPSTREAM_INVALID', status, responseBytes };
}
