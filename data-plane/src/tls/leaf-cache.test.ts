import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import { createAuthority, DAY_MS, parseAuthority } from '@onecli/shared/certificates/authority';
import { describe, expect, it } from 'vitest';
import { type InterceptOptions, interceptTls } from './intercept-tls.ts';
import { LeafCache, type LeafCacheOptions } from './leaf-cache.ts';
import { SharedTicketKeys } from './ticket-keys.ts';

const authority = createAuthority({ commonName: 'Test authority', validDays: 100 });
const ticketKeys = new SharedTicketKeys(randomBytes(32));
const cacheWith = (options: Partial<LeafCacheOptions> = {}): LeafCache =>
  new LeafCache(parseAuthority(authority), { maxLeaves: 10, ticketKeys, ...options });

interface Seen {
  readonly serial: string;
  readonly publicKey: string;
  readonly session: Buffer | undefined;
  readonly isResumed: boolean;
}

/** Connects to a server with this context, as an agent that trusts the authority. */
async function connectTo(
  secureContext: InterceptOptions['secureContext'],
  host: string,
  session?: Buffer,
): Promise<Seen> {
  const server = createServer((raw) => {
    void interceptTls(raw, Buffer.alloc(0), { secureContext, handshakeTimeoutMs: 10_000 }).then((result) => {
      if (result.kind === 'secured') result.socket.end('bye');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client: TLSSocket = connect({
    port,
    host: '127.0.0.1',
    servername: host,
    ca: authority.certificatePem,
    ...(session ? { session } : {}),
  });
  let ticket: Buffer | undefined;
  client.on('session', (latest) => (ticket = latest));
  await once(client, 'secureConnect');
  const certificate = client.getPeerX509Certificate();
  const publicKey = String(certificate?.publicKey.export({ type: 'spki', format: 'pem' }));
  const isResumed = client.isSessionReused();
  client.resume();
  await once(client, 'close');
  server.close();
  await once(server, 'close');
  return { serial: certificate?.serialNumber ?? '', publicKey, session: ticket, isResumed };
}

describe('LeafCache', () => {
  it('mints a host once', () => {
    const cache = cacheWith();
    expect(cache.secureContextFor('a.example')).toBe(cache.secureContextFor('a.example'));
    expect(cache.secureContextFor('b.example')).not.toBe(cache.secureContextFor('a.example'));
  });

  it('keeps no more hosts than it may, and drops the one that was used least recently', () => {
    const cache = cacheWith({ maxLeaves: 2 });
    const first = cache.secureContextFor('a.example');
    const second = cache.secureContextFor('b.example');
    cache.secureContextFor('a.example');
    cache.secureContextFor('c.example');
    expect(cache.size).toBe(2);
    expect(cache.secureContextFor('a.example')).toBe(first);
    expect(cache.secureContextFor('b.example')).not.toBe(second);
  });

  it('mints a host anew before its certificate ends', () => {
    let now = new Date();
    const lasting = { at: () => ({ keys: randomBytes(48), untilMs: Number.POSITIVE_INFINITY }) };
    const cache = cacheWith({ leafValidDays: 10, renewBeforeMs: DAY_MS, now: () => now, ticketKeys: lasting });
    const first = cache.secureContextFor('a.example');
    now = new Date(now.getTime() + 8.9 * DAY_MS);
    expect(cache.secureContextFor('a.example')).toBe(first);
    now = new Date(now.getTime() + 0.1 * DAY_MS);
    expect(cache.secureContextFor('a.example')).not.toBe(first);
  });

  it('refuses a host that is not canonical', () => {
    expect(() => cacheWith().secureContextFor('A.example')).toThrow(RangeError);
  });

  it('serves every host with the same key and a certificate of its own', async () => {
    const cache = cacheWith();
    const [a, b] = [
      await connectTo(cache.secureContextFor('a.example'), 'a.example'),
      await connectTo(cache.secureContextFor('b.example'), 'b.example'),
    ];
    expect(a.publicKey).toBe(b.publicKey);
    expect(a.serial).not.toBe(b.serial);
  });

  it('resumes a session of another worker with the same ticket keys, and of no worker with others', async () => {
    const instanceKey = randomBytes(32);
    const workerWith = (key: Buffer): LeafCache => cacheWith({ ticketKeys: new SharedTicketKeys(key) });
    const contextOf = (cache: LeafCache): SecureContext => cache.secureContextFor('a.example');
    const { session, isResumed } = await connectTo(contextOf(workerWith(instanceKey)), 'a.example');
    expect(isResumed).toBe(false);
    expect(session).toBeDefined();
    const [other, stranger] = [workerWith(Buffer.from(instanceKey)), workerWith(randomBytes(32))];
    expect((await connectTo(contextOf(other), 'a.example', session)).isResumed).toBe(true);
    expect((await connectTo(contextOf(stranger), 'a.example', session)).isResumed).toBe(false);
  });

  it('seals tickets under another key when its time has come, and knows its hosts then all the same', async () => {
    const changedMs = ticketKeys.at(Date.now()).untilMs - 12 * 3_600_000;
    const clock = { now: new Date(changedMs - 1) };
    const cache = cacheWith({ now: () => clock.now });
    const { session } = await connectTo(cache.secureContextFor('a.example'), 'a.example');
    clock.now = new Date(changedMs);
    expect([cache.has('a.example'), cache.knows('a.example')]).toEqual([false, true]);
    expect((await connectTo(cache.secureContextFor('a.example'), 'a.example', session)).isResumed).toBe(false);
  });

  it('has the name that a resumed session is asked for told by its ClientHello, at another worker too', async () => {
    const { session } = await connectTo(cacheWith().secureContextFor('a.example'), 'a.example');
    const asked: (string | undefined)[] = [];
    const other = cacheWith();
    const pick = (name: string | undefined): SecureContext => {
      asked.push(name);
      return other.secureContextFor(name ?? '');
    };
    expect((await connectTo(pick, 'a.example', session)).isResumed).toBe(true);
    await connectTo(pick, 'b.example', session);
    expect(asked).toEqual(['a.example', 'b.example']);
  });
});
