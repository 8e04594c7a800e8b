import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InterceptResult, interceptTls, type Protocol } from './intercept-tls.ts';
import { LeafCache } from './leaf-cache.ts';
import { SharedTicketKeys } from './ticket-keys.ts';

const HOST = 'api.example.com';
const authority = createAuthority({ commonName: 'Test authority', validDays: 2 });
const leaves = new LeafCache(parseAuthority(authority), {
  maxLeaves: 10,
  ticketKeys: new SharedTicketKeys(randomBytes(32)),
});
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

let listener: Server;
let port: number;
const accepted: ((socket: Socket) => void)[] = [];
/** Both ends of every tunnel, to be destroyed in the end. */
const ends: Socket[] = [];

beforeAll(async () => {
  listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    ends.push(socket);
    accepted.shift()?.(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  port = (listener.address() as AddressInfo).port;
});
afterAll(async () => {
  for (const end of ends) end.destroy();
  listener.close();
  await once(listener, 'close');
});

/** Takes one tunnel: the socket of the next client, the result of the handshake on it. */
function intercept(
  options: { head?: number; handshakeTimeoutMs?: number; protocols?: readonly Protocol[] } = {},
): Promise<[InterceptResult, Socket]> {
  return new Promise((resolve, reject) => {
    accepted.push((raw) => {
      const run = async (): Promise<[InterceptResult, Socket]> => {
        const head = options.head ? await readExactly(raw, options.head) : Buffer.alloc(0);
        const handshakeTimeoutMs = options.handshakeTimeoutMs ?? 10_000;
        return [
          await interceptTls(raw, head, {
            secureContext: leaves.secureContextFor(HOST),
            protocols: options.protocols ?? ['http/1.1'],
            handshakeTimeoutMs,
          }),
          raw,
        ];
      };
      run().then(resolve, reject);
    });
  });
}

async function readExactly(raw: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const chunk = raw.read(count) as Buffer | null;
    if (chunk) return chunk;
    await once(raw, 'readable');
  }
}

function agent(options: ConnectionOptions = {}): TLSSocket {
  const socket = connectTls({ host: '127.0.0.1', port, servername: HOST, ca: authority.certificatePem, ...options });
  socket.on('error', () => undefined);
  ends.push(socket);
  return socket;
}

function secured(result: InterceptResult): Extract<InterceptResult, { kind: 'secured' }> {
  if (result.kind !== 'secured') throw new Error(`not secured: ${result.reason} ${result.detail}`);
  return result;
}

async function echoes(server: TLSSocket, client: TLSSocket): Promise<string> {
  client.write('ping');
  const [request] = (await once(server, 'data')) as [Buffer];
  server.write(`${request.toString()}-pong`);
  const [answer] = (await once(client, 'data')) as [Buffer];
  return answer.toString();
}

describe('interceptTls', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'secures a tunnel over %s with a certificate that the agent verifies',
    async (version) => {
      const taken = intercept();
      const client = agent({ minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
      const { socket, serverName } = secured((await taken)[0]);
      expect(serverName).toBe(HOST);
      expect(socket.alpnProtocol).toBe('http/1.1');
      expect(await echoes(socket, client)).toBe('ping-pong');
      expect(client.authorized).toBe(true);
    },
  );

  it('shows the SNI that the agent sent even when it is not the host of the tunnel', async () => {
    const taken = intercept();
    agent({ servername: 'other.example.com', rejectUnauthorized: false });
    expect(secured((await taken)[0]).serverName).toBe('other.example.com');
  });

  it('shows no SNI when the agent sent none', async () => {
    const taken = intercept();
    agent({ servername: '', checkServerIdentity: () => undefined });
    expect(secured((await taken)[0]).serverName).toBeUndefined();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'shows the SNI of this tunnel when a %s session is resumed',
    async (version) => {
      const limits = { minVersion: version, maxVersion: version, rejectUnauthorized: false };
      const first = intercept();
      const client = agent(limits);
      const sessions = once(client, 'session') as Promise<[Buffer]>;
      await echoes(secured((await first)[0]).socket, client);
      const [session] = await sessions;
      for (const servername of [HOST, 'other.example.com', '']) {
        const next = intercept();
        const resumed = agent({ ...limits, session, servername, checkServerIdentity: () => undefined });
        const { socket, serverName } = secured((await next)[0]);
        await echoes(socket, resumed);
        expect(resumed.isSessionReused()).toBe(true);
        expect(serverName).toBe(servername || undefined);
      }
    },
  );

  it.each([1, 5, 6, 100])('loses none of %i bytes that came with the CONNECT', async (head) => {
    const taken = intercept({ head });
    const client = agent();
    expect(await echoes(secured((await taken)[0]).socket, client)).toBe('ping-pong');
  });

  it.each([
    [['h2', 'http/1.1'], 'http/1.1'],
    [['h2'], 'h2'],
    [undefined, 'http/1.1'],
  ] as const)('chooses the first of its own that the offer %j has: %s', async (offer, protocol) => {
    const taken = intercept({ protocols: ['http/1.1', 'h2'] });
    const client = agent(offer ? { ALPNProtocols: [...offer] } : {});
    const [[result]] = await Promise.all([taken, once(client, 'secureConnect')]);
    expect(result).toMatchObject({ kind: 'secured', protocol });
    expect(client.alpnProtocol).toBe(offer ? protocol : false);
  });

  it('answers an offer of h2 alone with no_application_protocol', async () => {
    const taken = intercept();
    const client = agent({ ALPNProtocols: ['h2'] });
    const [error] = (await once(client, 'error')) as [Error & { code: string }];
    expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    const [result, raw] = await taken;
    expect(result).toMatchObject({ kind: 'failed', reason: 'handshake' });
    expect(raw.destroyed).toBe(true);
  });

  it('leaves a tunnel that does not begin with TLS open and unread', async () => {
    const taken = intercept();
    const client = connect(port, '127.0.0.1');
    ends.push(client);
    client.write('GET / HTTP/1.1\r\n');
    const [result, raw] = await taken;
    expect(result).toMatchObject({ kind: 'failed', reason: 'not-tls' });
    expect((await readExactly(raw, 16)).toString()).toBe('GET / HTTP/1.1\r\n');
    raw.end('clear');
    expect(String(((await once(client, 'data')) as [Buffer])[0])).toBe('clear');
  });

  it('ends a tunnel that begins like TLS and goes on otherwise', async () => {
    const taken = intercept();
    const client = connect(port, '127.0.0.1');
    ends.push(client);
    client.on('error', () => undefined);
    client.write(Buffer.from('160301000401020304', 'hex'));
    expect((await taken)[0]).toMatchObject({ kind: 'failed', reason: 'handshake' });
  });

  it.each([Buffer.alloc(0), Buffer.from([0x16, 3, 1])])(
    'gives up a handshake that does not come in time',
    async (sent) => {
      const taken = intercept({ handshakeTimeoutMs: 50 });
      const client = connect(port, '127.0.0.1');
      ends.push(client);
      client.on('error', () => undefined);
      client.write(sent);
      const [result, raw] = await taken;
      expect(result).toMatchObject({ kind: 'failed', reason: 'timeout' });
      expect(raw.destroyed).toBe(true);
    },
  );

  it.each([Buffer.alloc(0), Buffer.from([0x16, 3, 1])])(
    'notices an agent that goes away before the end',
    async (sent) => {
      const taken = intercept();
      const client = connect(port, '127.0.0.1');
      client.end(sent);
      const [result] = await taken;
      expect(result).toMatchObject({ kind: 'failed', reason: 'closed' });
    },
  );

  it.each(['end', 'resetAndDestroy'] as const)(
    'notices an agent that goes away after its ClientHello (%s)',
    async (leave) => {
      const captured = new Promise<Buffer>((resolve) => accepted.push((raw) => raw.once('data', resolve).resume()));
      agent();
      const hello = await captured;
      const taken = intercept();
      const client = connect(port, '127.0.0.1');
      ends.push(client);
      client.write(hello);
      await once(client, 'data');
      client[leave]();
      const [result, raw] = await taken;
      expect(result).toMatchObject({ kind: 'failed', reason: 'closed' });
      expect(raw.destroyed).toBe(true);
    },
  );

  it('reports a fault after the handshake on the secured socket', async () => {
    const taken = intercept();
    const raw = connect(port, '127.0.0.1');
    ends.push(raw);
    const client = agent({ socket: raw });
    const { socket } = secured((await taken)[0]);
    await echoes(socket, client);
    raw.write('this is no TLS record, and long enough to be seen as one that is malformed');
    const [error] = (await once(socket, 'error')) as [Error & { code: string }];
    expect(error.code).toMatch(/^ERR_SSL_/);
  });

  it.skipIf(!hasOpenssl).each(['-tls1_2', '-tls1_3'])(
    'says that the agent does not trust the authority (openssl %s)',
    async (version) => {
      const taken = intercept();
      const client = spawn('openssl', [
        's_client',
        '-connect',
        `127.0.0.1:${port}`,
        version,
        '-verify_return_error',
        '-verify',
        '1',
      ]);
      const [result] = await taken;
      client.kill();
      expect(result).toMatchObject({ kind: 'failed', reason: 'alert' });
      expect(result.kind === 'failed' && result.detail).toContain('does not trust the certificate authority');
    },
  );
});
