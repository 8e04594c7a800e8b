/**
 * One request's way to its agent: where the payload comes from and where the answer goes. An HTTP/1.1 connection is one,
 * for each of its requests in turn. The story in handle-request.ts and the relay know agents by this alone.
 */
import { type WireFault } from '@onecli/shared/wire/wire-fault';
import type { HostRules } from '@onecli/shared/domain/evaluate-policy';
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import type { Framing } from '../wire/frame-body.ts';
import type { Header, RequestHead, ResponseHead } from '../wire/head.ts';
import type { OutgoingHeader } from '../wire/write-head.ts';
import type { Authority } from '@onecli/shared/wire/parse-authority';
import type { OwnAnswer, Refusal } from './answer.ts';
import type { Deadline } from './deadline.ts';
import type { Identity } from '../identity/identify.ts';
import type { Peer } from '../identity/peer.ts';
import type { Underway, Withdrawal } from './underway.ts';
import type { OpenConnection } from './open-connections.ts';
import type { SocketReader } from './socket-reader.ts';

/** Set inside a tunnel: whom the CONNECT was from and where it goes. */
export interface Tunnel {
  /** As it was last confirmed. */
  identity: Identity;
  readonly destination: Authority;
  /** False when the agent speaks plain HTTP inside it. */
  readonly isSecure: boolean;
  /** Where connections to the destination for this agent are pooled. */
  readonly poolKey: string;
  /**
   * The rules for the destination under the configuration that was last asked. Its revision stands for it: a tunnel that
   * idles would keep a configuration alive that is not in force any more.
   */
  rules: { readonly revision: number; readonly agent: AgentRecord; readonly hostRules: HostRules } | undefined;
}

/** The head of an answer, without framing: that is the stream's own. */
export interface AnswerHead extends Pick<ResponseHead, 'status' | 'reason'> {
  readonly headers: readonly OutgoingHeader[];
}

export type BodyPiece =
  | { readonly kind: 'payload'; readonly chunks: readonly Buffer[]; readonly isLast: boolean }
  | Refusal
  /** The agent went away before the end. */
  | { readonly kind: 'lost' };

/** The payload of one request, in order. */
export interface BodySource {
  /** True when all of it was taken: what follows is no part of it. */
  readonly isDone: boolean;
  /** Fields that came after the payload, once it is done; without those that may not come there (RFC 9110 6.5.1). */
  readonly trailers: readonly Header[];
  /** The next payload, as soon as there is any. One call at a time, none after the last. */
  take(): Promise<BodyPiece>;
}

/** The agent's end of a connection that speaks another protocol from here on. */
export interface SwitchedConnection {
  readonly reader: SocketReader;
  readonly connection: OpenConnection;
  /** Writes, and waits while the agent does not read. False when it is gone. */
  write(pieces: readonly Buffer[]): boolean | Promise<boolean>;
}

export interface AgentStream {
  /** Requests of HTTP/2 agents go upstream by HTTP/2 where the upstream speaks it, all others by HTTP/1.1. */
  readonly isHttp2: boolean;
  readonly tunnel: Tunnel | undefined;
  /** Whoever opened the connection. */
  readonly peer: Peer;
  /** Runs while the agent has something to send or to take. */
  readonly deadline: Deadline;
  /** True once nothing more can come from the agent. */
  readonly isGone: boolean;
  /** False once nothing can be told to the agent any more. */
  readonly isWritable: boolean;
  /** Called once when the agent goes away. */
  onGone: (() => void) | undefined;
  /** The request that policy has allowed, until its end: each new configuration is asked about it again. */
  underway: Underway | undefined;
  /** Why it was cut off by us although it had been allowed. */
  readonly withdrawn: Withdrawal | undefined;

  /** How the payload of a request is delimited, or why that cannot be told. */
  framingOf(head: RequestHead): Framing | WireFault;
  body(framing: Framing): BodySource;

  /** Sends an interim answer (1xx) at once. False when the agent is gone. */
  interim(head: AnswerHead): boolean | Promise<boolean>;
  /** How many final answers were begun: whether one was for a request is told by comparing. */
  readonly answersBegun: number;
  /** Begins the final answer; it leaves with the first `flush`. `isLast`: no other request can follow it here. */
  begin(head: AnswerHead, framing: Framing, isLast: boolean): void;
  /** Adds payload to what leaves next. */
  push(chunks: readonly Buffer[]): void;
  /** Bytes that wait to leave. */
  readonly pendingBytes: number;
  /** Sends what waits, and waits while the agent takes no more. False when the agent is gone. */
  flush(): boolean | Promise<boolean>;
  /** Ends the answer and sends what waits; where the agent's protocol has room for them, with trailers. */
  end(trailers?: readonly Header[]): boolean | Promise<boolean>;

  /** A refusal is told in the head alone, as gRPC clients read it. */
  readonly isRefusedByHead: boolean;

  /** Sends a whole answer of ours; nothing of another was begun. HEAD gets no body. Gives the bytes of body sent. */
  answer(own: OwnAnswer, method: string, isLast: boolean): Promise<number>;
  /** Gives the connection to another protocol, after this 101; where a stream is no connection, there is no such thing. */
  switchProtocols?(head: AnswerHead): SwitchedConnection;
  /** Ends the answer so that the agent cannot take what it has for a whole one (rule 9). */
  abort(): void;
}
