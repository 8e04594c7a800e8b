/**
 * A WebSocket between its two ends, after the handshake. Each direction is read, judged and written at the pace of the
 * slower side; pings, pongs and the closing handshake go through, and what ends without a Close ends so on both sides.
 */
import type { Deadline } from '../proxy/deadline.ts';
import type { SocketReader } from '../proxy/socket-reader.ts';
import { closeCodes, closePayload, type ControlFrame, type DataPart, type FrameFault, opcodes } from './codec/frame.ts';
import type { FrameParser } from './codec/frame-parser.ts';
import type { FrameWriter } from './codec/frame-writer.ts';
import type { Emit, MessageFault, Messages } from './message-filter.ts';

/** One end: what comes from it, and what goes to it. */
export interface LegOptions {
  readonly reader: SocketReader;
  readonly write: Emit;
  readonly parser: FrameParser;
  readonly writer: FrameWriter;
}

export interface RelayOptions {
  readonly agent: LegOptions;
  readonly upstream: LegOptions;
  /** Makes what takes the messages to a leg, given how to write to it. */
  readonly towardsUpstream: (emit: Emit) => Messages;
  readonly towardsAgent: (emit: Emit) => Messages;
  /** What may go on of a ping, a pong or a Close of the upstream. */
  readonly controlTowardsAgent: (frame: ControlFrame) => Buffer | MessageFault;
  /** Asked for each piece that was read: false ends the WebSocket. */
  readonly isStillAllowed: () => boolean;
  /** A paused deadline that calls `onExpired` of the relay. */
  readonly deadline: (onExpired: () => void) => Deadline;
  readonly idleMs: number;
  /** For the other side's Close, once one was sent. */
  readonly closeMs: number;
  /** A direction failed for no fault of a peer. */
  readonly onError: (error: unknown) => void;
}

export type WebSocketEnd =
  /** A Close was passed on, or sent by us to both. */
  | { readonly kind: 'closed' }
  /** One end went away without a Close. */
  | { readonly kind: 'gone'; readonly side: 'agent' | 'upstream' }
  | { readonly kind: 'faulty'; readonly side: 'agent' | 'upstream'; readonly fault: FrameFault | MessageFault }
  | { readonly kind: 'revoked' }
  | { readonly kind: 'failed' };

interface Leg extends LegOptions {
  readonly side: 'agent' | 'upstream';
  /** It sent a Close: nothing that follows counts. */
  hasClosed: boolean;
  /** A Close was sent to it: nothing may follow. */
  isTold: boolean;
  /** A Close that waits for the end of a frame. */
  waitingClose: Buffer | undefined;
}

export class FrameRelay {
  /** Payload taken from the agent, and from the upstream. */
  requestBytes = 0;
  responseBytes = 0;
  readonly #options: RelayOptions;
  readonly #agent: Leg;
  readonly #upstream: Leg;
  readonly #deadline: Deadline;
  readonly #messages: Messages[] = [];
  #settle: ((end: WebSocketEnd) => void) | undefined;
  #isOver = false;
  #isLeaving = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#agent = legOf('agent', options.agent);
    this.#upstream = legOf('upstream', options.upstream);
    this.#deadline = options.deadline(() => this.#onIdle());
  }

  /** Relays until the WebSocket is over; the connections are then for the caller to end. Never rejects. */
  run(): Promise<WebSocketEnd> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#deadline.extend(this.#options.idleMs);
      this.#start(this.#agent, this.#upstream, this.#options.towardsUpstream);
      this.#start(this.#upstream, this.#agent, this.#options.towardsAgent);
    });
  }

  /** Asked where nothing is being said: is it still allowed? */
  lookAgain(): void {
    if (!this.#isOver && !this.#options.isStillAllowed()) this.#revoke();
  }

  /** Tells both ends to go, and gives them `closeMs` to do it. */
  goAway(): void {
    if (this.#isOver || this.#isLeaving) return;
    this.#isLeaving = true;
    this.#deadline.extend(this.#options.closeMs);
    for (const leg of [this.#agent, this.#upstream]) this.#tell(leg, closePayload(closeCodes.goingAway));
  }

  #start(from: Leg, to: Leg, makeMessages: (emit: Emit) => Messages): void {
    const messages = makeMessages((pieces) => !this.#isOver && !to.isTold && to.write(pieces));
    this.#messages.push(messages);
    from.reader.onEnding = () => {
      if (from.reader.ending === 'lost') this.#gone(from);
    };
    this.#pump(from, to, messages).catch((error: unknown) => {
      this.#options.onError(error);
      this.#end({ kind: 'failed' });
    });
  }

  async #pump(from: Leg, to: Leg, messages: Messages): Promise<void> {
    for (;;) {
      const bytes = await from.reader.read();
      if (this.#isOver) return;
      if (typeof bytes === 'string') return this.#gone(from);
      if (!this.#options.isStillAllowed()) return this.#revoke();
      if (!this.#agent.isTold && !this.#upstream.isTold) this.#deadline.extend(this.#options.idleMs);
      for (const event of from.parser.read(bytes)) {
        const fault = event.kind === 'fault' ? event : await this.#pass(event, from, to, messages);
        if (this.#isOver) return;
        if (fault) return this.#fail(from, fault);
      }
    }
  }

  async #pass(
    event: DataPart | ControlFrame,
    from: Leg,
    to: Leg,
    messages: Messages,
  ): Promise<FrameFault | MessageFault | undefined> {
    if (from.hasClosed) return undefined;
    const bytes = event.kind === 'data' ? event.bytes.length : event.payload.length;
    if (from.side === 'agent') this.requestBytes += bytes;
    else this.responseBytes += bytes;
    if (event.kind === 'data') {
      const fault = to.isTold ? undefined : await messages.take(event);
      if (to.waitingClose && !to.writer.isMidFrame) this.#tell(to, to.waitingClose);
      return fault;
    }
    const payload = from.side === 'upstream' ? this.#options.controlTowardsAgent(event) : event.payload;
    if ('kind' in payload) return payload;
    if (event.opcode === opcodes.close) this.#onClose(from, to, payload);
    else if (!to.isTold) await to.write(to.writer.control(event.opcode, payload));
    return undefined;
  }

  #onClose(from: Leg, to: Leg, payload: Buffer): void {
    from.hasClosed = true;
    this.#deadline.extend(this.#options.closeMs);
    this.#tell(to, payload);
    if (to.hasClosed) this.#end({ kind: 'closed' });
  }

  /** Sends a Close, once, and not within a frame. */
  #tell(leg: Leg, payload: Buffer): void {
    if (leg.isTold) return;
    leg.waitingClose = leg.writer.isMidFrame ? payload : undefined;
    if (leg.waitingClose) return;
    leg.isTold = true;
    void leg.write(leg.writer.control(opcodes.close, payload));
  }

  #onIdle(): void {
    if (this.#agent.isTold || this.#upstream.isTold) this.#end({ kind: 'closed' });
    else this.goAway();
  }

  #gone(leg: Leg): void {
    this.#end(leg.hasClosed || leg.isTold ? { kind: 'closed' } : { kind: 'gone', side: leg.side });
  }

  #revoke(): void {
    this.#tell(this.#agent, closePayload(closeCodes.policyViolation, 'this is not allowed any more'));
    this.#end({ kind: 'revoked' });
  }

  /** An agent is told what it did wrong. What an upstream did wrong, its agent learns by a cut (rule 9). */
  #fail(from: Leg, fault: FrameFault | MessageFault): void {
    if (from.side === 'agent') this.#tell(from, closePayload(fault.closeCode, fault.detail));
    this.#end({ kind: 'faulty', side: from.side, fault });
  }

  #end(end: WebSocketEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline.clear();
    this.#agent.reader.onEnding = undefined;
    this.#upstream.reader.onEnding = undefined;
    for (const messages of this.#messages) messages.close();
    this.#settle?.(end);
  }
}

function legOf(side: 'agent' | 'upstream', options: LegOptions): Leg {
  return { ...options, side, hasClosed: false, isTold: false, waitingClose: undefined };
}
