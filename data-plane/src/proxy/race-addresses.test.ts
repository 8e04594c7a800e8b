import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Raced, raceAddresses } from './race-addresses.ts';

const started: { close(): void }[] = [];
afterEach(() => {
  for (const one of started.splice(0)) one.close();
});

const local = (last: number) => ({ address: `127.0.0.${last}`, family: 4 as const });

async function listen(address: string, port = 0): Promise<number> {
  const server: Server = createServer((socket) => socket.on('error', () => undefined).resume());
  started.push(server);
  server.listen(port, address);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** A listener on 127.0.0.1 that is held and whose queue is full: it drops what comes, and takes it when it is let go. */
async function silent(): Promise<{ port: number; letGo: () => void }> {
  const script = `const s=require('net').createServer((c)=>c.on('error',()=>{}).resume());s.listen({port:0,host:'127.0.0.1',backlog:1},()=>console.log(s.address().port))`;
  const child: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  started.push({ close: () => child.kill('SIGKILL') });
  const [text] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const port = Number(text.toString());
  child.kill('SIGSTOP');
  for (let filling = true; filling; ) {
    const socket = connect({ host: '127.0.0.1', port });
    started.push({ close: () => socket.on('error', () => undefined).destroy() });
    filling = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(resolve, 300, false)),
    ]);
  }
  return { port, letGo: () => child.kill('SIGCONT') };
}

async function race(lasts: number[], port: number, timeoutMs = 10_000, onRefused: () => void = () => undefined) {
  const opened: { readonly address: string; readonly socket: Socket }[] = [];
  const open = ({ address }: { address: string }) => {
    const attempt = { address, socket: connect({ host: address, port }) };
    opened.push(attempt);
    attempt.socket.once('error', onRefused);
    started.push({ close: () => attempt.socket.destroy() });
    return attempt;
  };
  const raced: Raced<{ readonly address: string; readonly socket: Socket }> = await raceAddresses(
    lasts.map(local),
    open,
    timeoutMs,
  );
  return { raced, opened };
}

describe('the race of addresses', () => {
  it('goes on at once to the next address when one refuses', async () => {
    const port = await listen('127.0.0.2');
    const { raced, opened } = await race([1, 2], port);
    expect(raced).toMatchObject({ kind: 'connected', attempt: { address: '127.0.0.2' } });
    expect(opened.map(({ socket }) => socket.destroyed)).toEqual([true, false]);
  });

  it('tries the next address beside one that is silent, and ends the one that lost', async () => {
    const { port } = await silent();
    await listen('127.0.0.2', port);
    const { raced, opened } = await race([1, 2, 3], port);
    expect(raced).toMatchObject({ kind: 'connected', attempt: { address: '127.0.0.2' } });
    expect(opened.map(({ address, socket }) => [address, socket.destroyed])).toEqual([
      ['127.0.0.1', true],
      ['127.0.0.2', false],
    ]);
  });

  it('does not give up on an address that is slow when those after it are dead', async () => {
    const { port, letGo } = await silent();
    const { raced } = await race([1, 2], port, 10_000, letGo);
    expect(raced).toMatchObject({ kind: 'connected', attempt: { address: '127.0.0.1' } });
  });

  it('says with the first error that all have refused, and without one that the time was over', async () => {
    const { port } = await silent();
    expect((await race([3, 2], port)).raced).toMatchObject({ kind: 'unreachable', error: { code: 'ECONNREFUSED' } });
    const { raced, opened } = await race([1], port, 50);
    expect(raced).toEqual({ kind: 'unreachable', error: undefined });
    expect(opened.map(({ socket }) => socket.destroyed)).toEqual([true]);
  });

  it('lets the families take turns, and tries no more than eight', async () => {
    const tried: string[] = [];
    const addresses = [
      ...Array.from({ length: 9 }, (_, index) => ({ address: `2001:db8::${index + 1}`, family: 6 as const })),
      ...[1, 2, 3].map((last) => ({ address: `192.0.2.${last}`, family: 4 as const })),
    ];
    const port = await listen('127.0.0.1');
    await raceAddresses(
      addresses,
      ({ address }) => {
        tried.push(address);
        // Refused at once, wherever it was to go.
        return { socket: connect({ host: '127.0.0.9', port }) };
      },
      10_000,
    );
    expect(tried).toEqual([
      '2001:db8::1',
      '192.0.2.1',
      '2001:db8::2',
      '192.0.2.2',
      '2001:db8::3',
      '192.0.2.3',
      '2001:db8::4',
      '2001:db8::5',
    ]);
  });
});
