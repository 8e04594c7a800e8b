import type { RequestHead } from '../wire/head.ts';
import type { AgentStream } from './agent-stream.ts';
import type { DataPlane } from './data-plane.ts';
import type { Exchange } from './exchange.ts';

/** One request that is being served: what every step of its story may need. */
export interface ServedRequest {
  readonly plane: DataPlane;
  /** Where it comes from and where its answer goes. */
  readonly agent: AgentStream;
  readonly head: RequestHead;
  /** What is known of it so far, and the record of its end. */
  readonly exchange: Exchange;
}
