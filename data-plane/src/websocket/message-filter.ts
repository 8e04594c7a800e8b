import type { DataPart, FrameFault } from './codec/frame.ts';

/** Why a message is not let through, beyond the frames' own rules. */
export interface MessageFault extends FrameFault {
  readonly reason:
    | 'PLACEHOLDER_NOT_GRANTED'
    | 'PLACEHOLDER_NOT_BOUND'
    | 'SECRET_EXPIRED'
    | 'SECRET_UNAVAILABLE'
    | 'SECRET_ECHOED'
    | 'OVERLOADED';
}

/** Looks into one message, decoded: what goes on of it, as soon as that is known. */
export interface MessageFilter {
  /** The next payload, in order. Gives what goes on now, which may be nothing. */
  push(bytes: Buffer): Buffer | FrameFault | MessageFault;
  /** The message is over. Gives what is left to go on. */
  end(): Buffer | FrameFault | MessageFault;
  /** The WebSocket is over: nothing is held any more. */
  letGo?(): void;
}

/** Writes pieces on, and waits while the receiver takes no more. False when it is gone. */
export type Emit = (pieces: readonly Buffer[]) => boolean | Promise<boolean>;

/** One direction's messages on their way. */
export interface Messages {
  /** Takes the next part. Gives why the messages end here, if they do. One call at a time. */
  take(part: DataPart): Promise<FrameFault | MessageFault | undefined>;
  close(): void;
}
