import { once } from 'node:events';
import type { Response } from 'express';
import { Fault } from '@onecli/shared/fault';

/** What an answer that is made as it is read may take. It holds a connection to the database for as long as its reader takes. */
export interface StreamBounds {
  /** How long the reader may take nothing. */
  readonly stallMs: number;
  /** How long all of it may take. */
  readonly totalMs: number;
  /** How many may be made at once. */
  readonly atOnce: number;
}

/** Gives out pieces as they are made and as fast as they are read. One that breaks off breaks the connection off, and is not whole. */
export class StreamedAnswers {
  readonly #bounds: StreamBounds;
  readonly #overloaded: string;
  #underway = 0;

  /** @param overloaded what is said when as many as may be are under way */
  constructor(bounds: StreamBounds, overloaded: string) {
    this.#bounds = bounds;
    this.#overloaded = overloaded;
  }

  /** @param begin gives the pieces; what it throws is answered as ever. @throws Fault OVERLOADED */
  async give(response: Response, type: string, begin: () => Promise<AsyncIterable<Buffer | string>>): Promise<void> {
    const { stallMs, totalMs, atOnce } = this.#bounds;
    if (this.#underway >= atOnce) throw new Fault('OVERLOADED', this.#overloaded);
    this.#underway++;
    const over = new AbortController();
    response.once('close', () => over.abort());
    const timer = setTimeout(() => over.abort(), totalMs);
    try {
      const pieces = await begin();
      response.type(type);
      for await (const piece of pieces) {
        if (over.signal.aborted) return;
        if (!response.write(piece)) await drained(response, over, stallMs);
      }
      response.end();
    } catch (error) {
      // Whoever asked has gone, or was cut off: nobody is there to be told.
      if (!over.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
      this.#underway--;
      if (over.signal.aborted) response.destroy();
    }
  }
}

/** Waits until what was written has left. @throws AbortError when it does not in time */
async function drained(response: Response, over: AbortController, stallMs: number): Promise<void> {
  const stalled = setTimeout(() => over.abort(), stallMs);
  try {
    await once(response, 'drain', { signal: over.signal });
  } finally {
    clearTimeout(stalled);
  }
}
