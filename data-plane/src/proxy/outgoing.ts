import type { AnswerScrub } from '../scrub/answer-scrub.ts';
import type { Header } from '../wire/head.ts';
import type { WebSocketRequest } from '../websocket/web-socket-request.ts';
import type { Refusal } from './answer.ts';
import type { Destination } from './dial.ts';
import type { RequestBody } from './request-body.ts';

/** What is asked and told as a request leaves. */
export interface Departure {
  /** Has the trail keep which secrets are about to leave: resolves with whether it does. Undefined: there is nothing to wait for. */
  intend(): Promise<boolean> | undefined;
  /** Asked last, when a connection is there: why the request may not leave any more. */
  refuseNow(): Refusal | undefined;
  /** Its head, and with it the credentials, is written to a verified upstream. */
  leaving(): void;
  /** The head of its final answer is there. */
  answering(): void;
  /** The last byte of its answer is about to leave: resolves when it may. Undefined: there is nothing to wait for. */
  ending(status: number, responseBytes: number): Promise<void> | undefined;
}

/** A request as it leaves, with its credentials in place. */
export interface Outgoing {
  readonly poolKey: string;
  readonly destination: Destination;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly Header[];
  /** All of that as the head of an HTTP/1.1 request, where it was written before. */
  readonly bytes: Buffer | undefined;
  readonly body: RequestBody;
  /** Whether the agent's connection may carry another request after this one. */
  readonly isKeptAlive: boolean;
  /** What is to be taken out of the answer, if anything is. */
  readonly scrub: AnswerScrub | undefined;
  readonly departure: Departure;
  /** Set when the request asks for a WebSocket: what to do with its upstream's 101. */
  readonly webSocket: WebSocketRequest | undefined;
}

/** How an exchange went. `responseBytes` counts payload. */
export type Forwarded =
  | { readonly kind: 'answered'; readonly status: number; readonly responseBytes: number }
  /** Nothing of an answer was sent to the agent. */
  | Refusal
  | Broken
  | Stopped;

/** The connection that was to carry the request had been closed under us: nothing of an answer has come. */
export interface Stale {
  readonly kind: 'stale';
  /** Not a byte of the request was written: whatever its method, it may go another way. */
  readonly isUnsent?: true;
}

/** The agent's connection has to be ended in the middle: a cut answer must not look whole. */
export interface Broken {
  readonly kind: 'broken';
  readonly code:
    | 'UPSTREAM_INVALID'
    | 'UPSTREAM_TIMEOUT'
    | 'AGENT_GONE'
    | 'PLACEHOLDER_NOT_BOUND'
    | 'BAD_REQUEST'
    | 'MISDIRECTED'
    | 'TLS_HANDSHAKE_FAILED'
    | 'POLICY_DENIED'
    | 'PROXY_AUTH_INVALID'
    | 'SECRET_ECHOED'
    | 'INTERNAL';
  readonly status: number;
  readonly responseBytes: number;
}

/** A WebSocket that the agent was told to leave, by a Close; `code` says why. */
export interface Stopped {
  readonly kind: 'stopped';
  readonly code:
    | 'POLICY_DENIED'
    | 'PROXY_AUTH_INVALID'
    | 'PLACEHOLDER_NOT_GRANTED'
    | 'PLACEHOLDER_NOT_BOUND'
    | 'SECRET_EXPIRED'
    | 'SECRET_LEASE_EXPIRED'
    | 'SECRET_UNAVAILABLE'
    | 'OVERLOADED'
    | 'BAD_REQUEST';
  readonly status: 101;
  readonly responseBytes: number;
}

/** How sending the request stands; what ended it is known before the answer's end is. */
export interface Sending {
  isDone: boolean;
  /** Whose turn it is: a body that does not move is the fault of the one that is waited for. */
  waitsFor: 'agent' | 'upstream';
  /** Why it stopped, when the agent or its body was the reason. */
  fault: Refusal | 'agent-gone' | undefined;
}
