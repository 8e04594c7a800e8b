import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { connectHead, openRaw } from './raw-agent.ts';
import type { World } from './world.ts';

/** A port that leads through the world's proxy to a host, for clients that know no proxy: each connection is a CONNECT. */
export async function forwardByTunnel(
  world: World,
  host: string,
): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined).pause();
    lead(client, world, host).catch(() => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function lead(client: Socket, world: World, host: string): Promise<void> {
  const raw = await openRaw(world.onecli.proxyPort);
  raw.send(connectHead(`${host}:443`, world.agent, world.token));
  const answer = await raw.readResponse('CONNECT');
  if (answer.status !== 200) throw new Error(`the tunnel did not open: ${answer.text}`);
  const tunnel = raw.release();
  tunnel.on('error', () => client.destroy()).on('close', () => client.destroy());
  client.on('close', () => tunnel.destroy());
  client.pipe(tunnel).pipe(client);
}
