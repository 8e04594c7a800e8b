/** The loop of one connection: read a head, have it served, go on or end. The same for the proxy port and for tunnels. */
import type { HeadLimits, Parsed, RequestHead } from '../wire/head.ts';
import { parseRequestHead } from '../wire/parse-head.ts';
import { type Refusal, refusal } from './answer.ts';
import { answerRefusal } from './answer-refusal.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';
import type { Http1Agent } from './http1-agent.ts';

/** What a served request leaves: `taken` means that the socket has another owner now. */
export type Served = 'served' | 'taken';

/** Serves requests one after the other until the connection ends. Never rejects. */
export async function serveConnection(
  plane: DataPlane,
  agent: Http1Agent,
  serve: (head: RequestHead) => Promise<Served>,
): Promise<void> {
  const { reader, deadline, socket } = agent;
  const { limits, heads } = plane;
  // Outside a tunnel a head may hold the agent's token: that is not remembered.
  const parse = agent.tunnel
    ? (bytes: Buffer, within: HeadLimits, resumeFrom?: number): Parsed<RequestHead> =>
        heads.parse(agent, bytes, within, resumeFrom)
    : parseRequestHead;
  for (let isFirst = true; ; isFirst = false) {
    deadline.extend(isFirst ? limits.firstHeadMs : limits.keepAliveMs);
    agent.connection.isIdle = true;
    const reading = reader.readHead(parse, limits.head, () =>
      deadline.extend(isFirst ? limits.firstHeadMs : limits.headMs),
    );
    const read = reading instanceof Promise ? await reading : reading;
    agent.connection.isIdle = false;
    deadline.pause();
    // A head that comes after we have ended our side is not served: its answer could not be sent.
    if (read.kind === 'ended' || !socket.writable) return end(plane, agent, read.kind === 'ended' && read.isPartial);
    if (isFirst) plane.connections.spoke(agent.connection);
    if (read.kind === 'fault') {
      const code =
        read.code === 'HEAD_TOO_LARGE' || read.code === 'TOO_MANY_HEADERS' ? 'HEAD_TOO_LARGE' : 'BAD_REQUEST';
      return refuseHead(plane, agent, refusal(code, `The request is malformed: ${read.detail}.`));
    }
    agent.minor = read.head.minor;
    const served = await serve(read.head);
    if (served === 'taken') return;
    if (agent.isLast || plane.isDraining || agent.connection.isExpired) return agent.closeGently();
  }
}

/** The connection ended, or its deadline passed while a head was only half there. */
async function end(plane: DataPlane, agent: Http1Agent, isPartial: boolean): Promise<void> {
  const isWaiting = !agent.socket.destroyed && agent.socket.writable && isPartial;
  if (isWaiting)
    return refuseHead(plane, agent, refusal('REQUEST_TIMEOUT', 'The request head did not arrive in time.'));
  agent.deadline.clear();
  agent.socket.destroy();
}

/** Answers and records a request that cannot be read, of which at most the method is known, and ends the connection. */
export async function refuseHead(plane: DataPlane, agent: Http1Agent, refused: Refusal, method = ''): Promise<void> {
  const exchange = new Exchange(plane, { method, target: '', minor: 1, headers: [] }, agent.tunnel);
  await answerRefusal(refused, { exchange, method, send: (own) => agent.answer(own, method, true) });
  agent.closeGently();
}
