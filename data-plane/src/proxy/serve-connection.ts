/** The loop of one connection: read a head, have it served, go on or end. The same for the proxy port and for tunnels. */
import type { RequestHead } from '../wire/head.ts';
import { parseRequestHead } from '../wire/parse-head.ts';
import { type AgentSide, closeGently, writeToAgent } from './agent-side.ts';
import { answerRefusal, type Refusal, refusal } from './answer.ts';
import type { DataPlane } from './data-plane.ts';
import { Exchange } from './exchange.ts';

/** What a served request leaves: `taken` means that the socket has another owner now. */
export type Served = 'keep-alive' | 'close' | 'taken';

/** Serves requests one after the other until the connection ends. Never rejects. */
export async function serveConnection(
  plane: DataPlane,
  side: AgentSide,
  serve: (head: RequestHead) => Promise<Served>,
): Promise<void> {
  const { reader, deadline, socket } = side;
  const { limits } = plane;
  for (let isFirst = true; ; isFirst = false) {
    deadline.extend(isFirst ? limits.firstHeadMs : limits.keepAliveMs);
    side.connection.isIdle = true;
    const read = await reader.readHead(parseRequestHead, limits.head, () =>
      deadline.extend(isFirst ? limits.firstHeadMs : limits.headMs),
    );
    side.connection.isIdle = false;
    deadline.pause();
    // A head that comes after we have ended our side is not served: its answer could not be sent.
    if (read.kind === 'ended' || !socket.writable) return end(plane, side, read.kind === 'ended' && read.isPartial);
    if (read.kind === 'fault') {
      const code =
        read.code === 'HEAD_TOO_LARGE' || read.code === 'TOO_MANY_HEADERS' ? 'HEAD_TOO_LARGE' : 'BAD_REQUEST';
      return refuseHead(plane, side, refusal(code, `The request is malformed: ${read.detail}.`));
    }
    const served = await serve(read.head);
    if (served === 'taken') return;
    if (served === 'close' || plane.isDraining) return closeGently(plane, side);
  }
}

/** The connection ended, or its deadline passed while a head was only half there. */
async function end(plane: DataPlane, side: AgentSide, isPartial: boolean): Promise<void> {
  const isWaiting = !side.socket.destroyed && side.socket.writable && isPartial;
  if (isWaiting) return refuseHead(plane, side, refusal('REQUEST_TIMEOUT', 'The request head did not arrive in time.'));
  side.deadline.clear();
  side.socket.destroy();
}

async function refuseHead(plane: DataPlane, side: AgentSide, refused: Refusal): Promise<void> {
  const exchange = new Exchange(plane, { method: '', target: '', minor: 1, headers: [] }, side.tunnel);
  const { bytes, bodyBytes } = answerRefusal(refused, { requestId: exchange.requestId, isClosing: true, method: '' });
  exchange.answerBytes = bodyBytes;
  exchange.record(refused);
  await writeToAgent(plane, side, [bytes]);
  closeGently(plane, side);
}
