import { type WireFault } from '@onecli/shared/wire/wire-fault';
import type { Socket } from 'node:net';
import type { BodyReader, Framing } from '../wire/frame-body.ts';
import type { ResponseHead } from '../wire/head.ts';
import type { Deadline } from './deadline.ts';
import type { HeadRead, SocketReader } from './socket-reader.ts';

/** How an answer's payload is delimited, and what tells its end. */
export interface Payload {
  readonly framing: Framing;
  readonly body: Pick<BodyReader, 'isDone' | 'read' | 'end' | 'trailers'>;
}

/** Where the answer to one request comes from: a connection to an upstream, or a stream of one. */
export interface AnswerSource {
  /** The connection, where it carries nothing else. */
  readonly socket?: Socket;
  /** What follows a head. */
  readonly reader: Pick<SocketReader, 'read' | 'readNow' | 'unshift'>;
  readonly deadline: Deadline;
  /** It was ended because its deadline passed. */
  readonly hasTimedOut: boolean;
  /** The next head, interim ones first. */
  readHead(): HeadRead<ResponseHead> | Promise<HeadRead<ResponseHead>>;
  /** The payload that follows the head of the answer to a request of that method. */
  payloadOf(head: ResponseHead, method: string): Payload | WireFault;
}
