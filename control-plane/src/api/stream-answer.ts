import { once } from 'node:events';
import type { Response } from 'express';
import { FewAtOnce } from '../auth/few-at-once.ts';
import { hasSameRights } from '../auth/standing.ts';
import { lookAgain, principalOf } from './request-context.ts';
import { toFault } from './to-fault.ts';

const lookAgainEveryMs = 2_000;

/** What an answer that is made as it is read may take. It holds a connection to the database for as long as its reader takes. */
export interface StreamBounds {
  /** How long the reader may take nothing. */
  readonly stallMs: number;
  /** How long all of it may take. */
  readonly totalMs: number;
  /** How many may be made at once. */
  readonly atOnce: number;
  /** How many of one principal. */
  readonly ofPrincipal: number;
}

/** Gives out pieces as they are made and as fast as they are read. One that breaks off breaks the connection off, and is not whole. */
export class StreamedAnswers {
  readonly #bounds: StreamBounds;
  readonly #few: FewAtOnce;

  /** @param overloaded what is said when as many as may be are under way */
  constructor(bounds: StreamBounds, overloaded: string) {
    this.#bounds = bounds;
    this.#few = new FewAtOnce({ ofPrincipal: bounds.ofPrincipal, inAll: bounds.atOnce }, overloaded);
  }

  /**
   * Who reads is looked up every few seconds: who may no longer, or not all that he might at the begin, is cut off.
   * @param begin gives the pieces; what it throws is answered as ever. @throws Fault OVERLOADED
   */
  async give(response: Response, type: string, begin: () => Promise<AsyncIterable<Buffer | string>>): Promise<void> {
    await this.#few.run(principalOf(response), () => this.#give(response, type, begin));
  }

  async #give(response: Response, type: string, begin: () => Promise<AsyncIterable<Buffer | string>>): Promise<void> {
    const { stallMs, totalMs } = this.#bounds;
    const over = new AbortController();
    response.once('close', () => over.abort());
    const timer = setTimeout(() => over.abort(), totalMs);
    const looking = setInterval(() => void endUnlessAllowed(response, over), lookAgainEveryMs);
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
      clearInterval(looking);
      if (over.signal.aborted) response.destroy();
    }
  }
}

async function endUnlessAllowed(response: Response, over: AbortController): Promise<void> {
  try {
    if (!hasSameRights(principalOf(response), await lookAgain(response))) over.abort();
  } catch (error) {
    // While nobody can be asked, nothing can be read either.
    if (toFault(error).status < 500) over.abort();
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
