import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { connectHead, requestBytes } from '../support/raw-agent.ts';

/** Which tunnels to open. */
export interface IdleTunnelsPlan {
  readonly proxyPort: number;
  readonly agent: string;
  readonly token: string;
  readonly caPem: string;
  readonly count: number;
  /** Opened at once. */
  readonly concurrency: number;
  /** Send one request through each, and read its answer, before it is left alone. */
  readonly hasRequest: boolean;
}

/** Opens tunnels through CONNECT and TLS and leaves them open. @throws Error when one does not open. */
export async function openIdleTunnels(plan: IdleTunnelsPlan): Promise<Socket[]> {
  const secureContext = createSecureContext({ ca: plan.caPem });
  const sockets: Socket[] = [];
  let next = 0;
  const open = async (): Promise<void> => {
    while (next < plan.count) {
      next += 1;
      const raw = connectTcp({ port: plan.proxyPort, host: '127.0.0.1', noDelay: true });
      raw.on('error', () => undefined);
      await once(raw, 'connect');
      raw.write(connectHead('api.openai.com:443', plan.agent, plan.token));
      const answer = await firstBytes(raw);
      if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`the CONNECT was answered with ${answer}`);
      const socket = connectTls({ socket: raw, servername: 'api.openai.com', secureContext });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      if (plan.hasRequest) {
        socket.write(requestBytes('GET', '/v1/models'));
        const status = await firstBytes(socket);
        if (!status.startsWith('HTTP/1.1 200')) throw new Error(`the request was answered with ${status}`);
      }
      socket.resume();
      sockets.push(socket);
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, open));
  return sockets;
}

/** What comes first, as text. @throws Error when the socket ends before. */
async function firstBytes(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.pause();
    };
    const onData = (bytes: Buffer): void => {
      settle();
      resolve(bytes.toString('latin1'));
    };
    const onClose = (): void => {
      settle();
      reject(new Error('the connection was closed'));
    };
    socket.on('data', onData);
    socket.on('close', onClose);
  });
}
