/**
 * An agent's HTTP/2 connection inside its tunnel. Each stream goes through the story of one request; the connection itself
 * only keeps within bounds what the peer may make us hold or do (rule 12).
 */
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Peer } from '../identity/peer.ts';
import type { Tunnel } from '../proxy/agent-stream.ts';
import { type Refusal, refusal } from '../proxy/answer.ts';
import { answerRefusal } from '../proxy/answer-refusal.ts';
import type { DataPlane } from '../proxy/data-plane.ts';
import type { Deadline } from '../proxy/deadline.ts';
import { Exchange } from '../proxy/exchange.ts';
import { handleRequest } from '../proxy/handle-request.ts';
import type { Limits } from '../proxy/limits.ts';
import type { Holder, OpenConnection } from '../proxy/open-connections.ts';
import { confirmIdentity } from '../identity/identify.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import { headerValue, type RequestHead } from '../wire/head.ts';
import { requestHeadOf, type FieldsListener } from './fields.ts';
import { Http2Agent } from './http2-agent.ts';
import { FrameBudget } from './frame-budget.ts';

/**
 * Serves the streams of a secured connection until it ends; with `refused`, it answers the first with that refusal and ends.
 * Gives true when at least one stream was served. Never rejects.
 */
export function serveHttp2(plane: DataPlane, socket: TLSSocket, inside: Inside): Promise<boolean> {
  return new AgentSession(plane, socket, inside).ended;
}

interface Inside {
  readonly connection: OpenConnection;
  readonly tunnel: Tunnel;
  readonly peer: Peer;
  readonly refused: Refusal | undefined;
}

const lingerMs = 2000;
const pseudoFields = 4;
const noHead: RequestHead = { method: '', target: '', minor: 1, headers: [] };

class AgentSession implements Holder {
  readonly ended: Promise<boolean>;
  readonly #plane: DataPlane;
  readonly #inside: Inside;
  readonly #session: ServerHttp2Session;
  readonly #connection: OpenConnection;
  readonly #deadline: Deadline;
  readonly #resets: FrameBudget;
  readonly #streams = new Set<Http2Agent>();
  #lastStreamId = -1;
  #isRefused = false;

  constructor(plane: DataPlane, socket: TLSSocket, inside: Inside) {
    const { limits } = plane;
    this.#plane = plane;
    const { connection } = inside;
    this.#inside = inside;
    this.#resets = new FrameBudget(limits.http2.maxResets, limits.http2.resetsPerSecond);
    this.#connection = connection;
    connection.socket = socket;
    connection.retire = () => this.#session.close();
    connection.holder = this;
    connection.isIdle = true;
    // Ahead of the session's own listener, after which it tells nothing any more.
    socket.once('close', () => this.#noteHidden());
    this.#deadline = plane.clock.deadline(() => this.#expire(socket));
    this.#deadline.extend(limits.firstHeadMs);
    const session = performServerHandshake(socket, sessionOptions(limits));
    this.#session = session;
    const onStream = (stream: ServerHttp2Stream, ...[fields, flags, raw]: Parameters<FieldsListener>): void =>
      this.#take(stream, fields, flags, raw);
    session.on('stream', onStream as (...parameters: unknown[]) => void);
    const pings = new FrameBudget(limits.http2.maxPings, limits.http2.pingsPerSecond);
    const onPing = (): void => {
      if (!pings.take()) this.#calm(refusal('TOO_MANY_PINGS', 'The agent sent too many PING or SETTINGS frames.'));
    };
    session.on('ping', onPing);
    session.on('remoteSettings', onPing);
    session.on('goaway', () => this.#noteHidden());
    session.on('error', (error) => this.#refuseAll(malformedConnection, error));
    this.ended = new Promise((resolve) => {
      session.once('close', () => {
        this.#deadline.clear();
        resolve(this.#lastStreamId !== -1);
      });
    });
  }

  lookAgain(configuration: Configuration): void {
    const { tunnel } = this.#inside;
    const identity = confirmIdentity(tunnel.identity, configuration, Date.now());
    if (identity.kind === 'identity') {
      tunnel.identity = identity;
      for (const agent of this.#streams) agent.lookAgain(configuration);
      return;
    }
    for (const agent of this.#streams) agent.withdraw('PROXY_AUTH_INVALID');
    this.#session.close();
    this.#deadline.extend(lingerMs);
  }

  #take(stream: ServerHttp2Stream, _fields: unknown, flags: number, raw: readonly string[]): void {
    if (this.#lastStreamId === -1) this.#plane.connections.spoke(this.#connection);
    this.#noteGap(stream.id ?? 0);
    this.#connection.isIdle = false;
    this.#deadline.pause();
    const read = this.#inside.refused ?? requestHeadOf(raw);
    const head = read.kind === 'head' ? read.head : noHead;
    const isEnded = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const agent = new Http2Agent(this.#plane, stream, this.#inside, isEnded, headerValue(head.headers, 'content-type'));
    this.#streams.add(agent);
    stream.once('close', () => this.#release(agent));
    const served = read.kind === 'head' ? handleRequest(this.#plane, agent, head) : this.#refuse(agent, read);
    served.catch((error: unknown) => {
      this.#plane.log.error({ err: error }, 'a stream failed unexpectedly');
      stream.destroy();
    });
    if (this.#inside.refused) this.#session.close();
  }

  #release(agent: Http2Agent): void {
    this.#streams.delete(agent);
    if (this.#streams.size === 0) {
      this.#connection.isIdle = true;
      this.#deadline.extend(this.#session.closed ? lingerMs : this.#plane.limits.keepAliveMs);
    }
    if (agent.isOver || agent.withdrawn || this.#session.destroyed || this.#resets.take()) return;
    this.#calm(refusal('TOO_MANY_RESETS', 'The agent reset too many streams.'));
  }

  /** The connection of a peer that makes us work for nothing ends. */
  #calm(refused: Refusal): void {
    if (this.#session.destroyed) return;
    this.#refuseAll(refused);
    this.#session.destroy(new Error(refused.message), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** A malformed head gets an answer of its own; its stream is the only one that it is about. */
  async #refuse(agent: Http2Agent, refused: Refusal): Promise<void> {
    const exchange = new Exchange(this.#plane, noHead, this.#inside.tunnel);
    await answerRefusal(refused, {
      exchange,
      method: '',
      isByHead: agent.isRefusedByHead,
      send: (own) => agent.answer(own, ''),
    });
  }

  /** Streams that node:http2 refused by itself are never shown to us: a gap in the numbers tells of them. */
  #noteGap(streamId: number): void {
    if (streamId > this.#lastStreamId + 2 && this.#lastStreamId !== -1) this.#refuseAll(malformedRequest);
    this.#lastStreamId = streamId;
  }

  /** The same for those that no other came after. */
  #noteHidden(): void {
    if ((this.#session.state.lastProcStreamID ?? 0) > Math.max(0, this.#lastStreamId))
      this.#refuseAll(malformedRequest);
  }

  /** Recorded once for a connection: a peer must not fill the trail with what costs it a frame. */
  #refuseAll(refused: Refusal, error?: unknown): void {
    if (error !== undefined) this.#plane.log.debug({ err: error }, 'the HTTP/2 connection of an agent failed');
    if (this.#isRefused) return;
    this.#isRefused = true;
    new Exchange(this.#plane, noHead, this.#inside.tunnel).record(refused);
  }

  /** First told, then cut. */
  #expire(socket: TLSSocket): void {
    if (this.#session.closed) return void socket.destroy();
    this.#session.close();
    this.#deadline.extend(lingerMs);
  }
}

const malformedConnection = refusal('BAD_REQUEST', 'The HTTP/2 connection is malformed.');
const malformedRequest = refusal('BAD_REQUEST', 'A request of the HTTP/2 connection is malformed.');

/** Bounds on a connection. Those that its TypeScript types do not have yet are read by newer versions of Node alone. */
function sessionOptions({ head, http2 }: Limits): Parameters<typeof performServerHandshake>[1] {
  const options = {
    maxHeaderListPairs: head.maxHeaders + pseudoFields,
    maxSessionMemory: 10,
    maxSettings: 32,
    maxSessionInvalidFrames: 10,
    maxSessionRejectedStreams: http2.maxResets,
    streamResetBurst: http2.maxResets,
    streamResetRate: http2.resetsPerSecond,
    settings: { maxConcurrentStreams: http2.maxStreams, maxHeaderListSize: head.maxHeadBytes },
  };
  return options;
}
