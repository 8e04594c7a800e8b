import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { AgentRecord, SecretRecord } from '@onecli/shared/domain/snapshot';
import { afterEach, describe, expect, it } from 'vitest';
import type { Limits } from '../proxy/limits.ts';
import { defaultLimits } from '../proxy/testing/default-limits.ts';
import { until } from '../proxy/testing/loopback-pair.ts';
import { sampleUpstream, upstreamHost } from '../proxy/testing/sample-upstream.ts';
import { SampleWorker } from '../proxy/testing/sample-worker.ts';
import { Configuration, type Confirmation } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';

const keyring = newKeyring();
const tokenHash = 'aa';
const bot = sampleAgent('bot', { tokens: [{ hash: tokenHash, expiresAtMs: Number.POSITIVE_INFINITY }] });
const key = sealedSecret(keyring, { name: 'prod/a', values: ['the-value-of-the-key', 'the-next-value'] });
const used = { ...key, currentVersion: 1 };

interface Parts {
  readonly agent?: AgentRecord;
  readonly secret?: SecretRecord;
  readonly granted?: readonly string[];
  readonly paths?: readonly string[];
}

function configurationOf(
  revision: number,
  { agent = bot, secret = used, granted, paths = [] }: Parts = {},
  confirmation: Confirmation = { unconfirmedMs: 0 },
) {
  const rule = { effect: 'allow' as const, hosts: [upstreamHost], paths, methods: [], secrets: granted ?? ['prod/a'] };
  const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules: [rule] };
  const policies = new Map([['p', policy]]);
  const snapshot = sampleSnapshot({ revision, agents: [agent], secrets: [secret], policies });
  return new Configuration(snapshot, undefined, confirmation);
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const close1008 = Buffer.from([0x03, 0xf0]);

/** An agent asks for a WebSocket with a secret in its handshake; `accept` has its upstream say 101. */
async function handshake(configuration = configurationOf(1), limits: Partial<Limits> = {}) {
  const upstream = await sampleUpstream();
  const upgrades: (() => void)[] = [];
  const switched: Socket[] = [];
  upstream.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    switched.push(socket);
    upgrades.push(() =>
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      ),
    );
  });
  const worker = new SampleWorker({ keyring, configuration, upstream, tokenHash, limits });
  closers.push(() => {
    worker.close();
    upstream.close();
  });
  const agent = await worker.openHttp1();
  let received = Buffer.alloc(0);
  agent.on('data', (bytes: Buffer) => (received = Buffer.concat([received, bytes])));
  agent.write(
    `GET /v1 HTTP/1.1\r\nHost: ${upstreamHost}\r\nAuthorization: Bearer onecli://prod/a\r\nUpgrade: websocket\r\n` +
      'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await until(() => upgrades.length === 1);
  const isOpen = (): boolean => received.includes('\r\n\r\n');
  const said = (): Buffer => (isOpen() ? received.subarray(received.indexOf('\r\n\r\n') + 4) : Buffer.alloc(0));
  return {
    worker,
    agent,
    said,
    accept: () => upgrades[0]?.(),
    isOpen,
    say: (frame: Buffer) => switched[0]?.write(frame),
    upstreamEnd: () => switched[0],
  };
}

async function opened(configuration?: Configuration, limits?: Partial<Limits>) {
  const one = await handshake(configuration, limits);
  one.accept();
  await until(one.isOpen);
  return one;
}

const withdrawals: [string, Parts, string][] = [
  ['its secret is not granted any more', { granted: [] }, 'PLACEHOLDER_NOT_GRANTED'],
  ['its secret is disabled', { secret: { ...used, isDisabled: true } }, 'PLACEHOLDER_NOT_GRANTED'],
  [
    'the version that left is destroyed',
    { secret: { ...used, versions: new Map([...used.versions].slice(1)), currentVersion: 2 } },
    'PLACEHOLDER_NOT_GRANTED',
  ],
  [
    'its secret is bound elsewhere',
    { secret: { ...used, binding: { ...used.binding, hosts: ['b.example'] } } },
    'PLACEHOLDER_NOT_GRANTED',
  ],
  ['its secret has expired', { secret: { ...used, expiresAtMs: 1 } }, 'SECRET_EXPIRED'],
  ['its agent is disabled', { agent: { ...bot, isDisabled: true } }, 'PROXY_AUTH_INVALID'],
  ['policy does not allow it', { paths: ['/v2'] }, 'POLICY_DENIED'],
];

describe('a silent WebSocket whose handshake held a secret', () => {
  it.each(withdrawals)('is closed with 1008 when %s', async (_when, parts, reason) => {
    const { worker, said } = await opened();
    await worker.apply(configurationOf(2, parts));
    await until(() => worker.events.length === 1 && said().length > 0);
    expect(said().subarray(2, 4)).toEqual(close1008);
    expect(worker.events).toMatchObject([{ decision: 'deny', reason, status: 101, secrets: ['prod/a@1'] }]);
  });

  it('is closed when its secret comes to its time, though nothing is said or changed', async () => {
    const { worker, said } = await opened(configurationOf(1, { secret: { ...used, expiresAtMs: Date.now() + 500 } }));
    await until(() => worker.events.length === 1 && said().length > 0);
    expect(said().subarray(2, 4)).toEqual(close1008);
    expect(worker.events).toMatchObject([{ reason: 'SECRET_EXPIRED' }]);
  });

  it('is closed when nobody has confirmed its secret for longer than its lease, and only then', async () => {
    const confirmation = { unconfirmedMs: 5_000 };
    const secret = { ...used, leaseSeconds: 5 };
    const { worker, said } = await opened(configurationOf(1, { secret }, confirmation));
    await worker.apply(configurationOf(2, { secret }, confirmation));
    expect({ said: said().length, events: worker.events }).toEqual({ said: 0, events: [] });
    confirmation.unconfirmedMs = 5_001;
    await until(() => worker.events.length === 1 && said().length > 0);
    expect(said().subarray(2, 4)).toEqual(close1008);
    expect(worker.events).toMatchObject([{ decision: 'deny', reason: 'SECRET_LEASE_EXPIRED' }]);
  });

  it.each(withdrawals.slice(0, 2))('is closed as soon as it opens when %s before the 101', async (_when, parts) => {
    const { worker, said, accept } = await handshake();
    await worker.apply(configurationOf(2, parts));
    accept();
    await until(() => worker.events.length === 1 && said().length > 0);
    expect(said().subarray(2, 4)).toEqual(close1008);
  });

  it('stays when its secret has another current version, or is bound to one host more', async () => {
    const { worker, agent, said } = await opened();
    await worker.apply(configurationOf(2, { secret: { ...used, currentVersion: 2 } }));
    const hosts = [...used.binding.hosts, 'b.example'];
    await worker.apply(configurationOf(3, { secret: { ...used, binding: { ...used.binding, hosts } } }));
    expect({ said: said().length, events: worker.events, isOpen: agent.readyState }).toEqual({
      said: 0,
      events: [],
      isOpen: 'open',
    });
  });
});

describe('what an upstream echoes of the secret of the handshake', () => {
  const value = 'the-value-of-the-key';
  const frame = (opcode: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([0x80 | opcode, text.length]), Buffer.from(text)]);

  it.each([
    ['a text', 1],
    ['a binary', 2],
  ])('is replaced in %s message', async (_what, opcode) => {
    const { said, say } = await opened();
    say(frame(opcode, `<${value}>`));
    await until(() => said().length > 0 && said().includes('>'));
    expect(said()).toEqual(frame(opcode, '<onecli://prod/a>'));
  });

  it('cuts the agent, with nothing of the message, where the binding says refuse', async () => {
    const secret: SecretRecord = { ...used, binding: { ...used.binding, scrub: 'refuse' } };
    const { worker, agent, said, say } = await opened(configurationOf(1, { secret: resealed(secret) }));
    say(frame(1, `<${value}>`));
    await until(() => worker.events.length === 1 && agent.destroyed);
    expect(said()).toHaveLength(0);
    expect(worker.events).toMatchObject([
      { reason: 'SECRET_ECHOED', findings: [{ kind: 'SECRET_IN_RESPONSE', place: 'message' }] },
    ]);
  });
});

describe('a WebSocket’s limits', () => {
  const close = (code: number): Buffer => Buffer.from([code >> 8, code & 0xff]);
  /** A frame of an agent whose mask is all zero. */
  const fromAgent = (first: number, payload: Buffer): Buffer =>
    Buffer.concat([Buffer.from([first, 0xfe, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]), payload]);
  const { webSocket } = defaultLimits;

  it('silence of both for too long: both are told to go with 1001, and end though they do not answer', async () => {
    const limits = { webSocket: { ...webSocket, idleMs: 200, closeMs: 50 } };
    const { worker, agent, said, upstreamEnd } = await opened(undefined, limits);
    const heard: Buffer[] = [];
    upstreamEnd()?.on('data', (bytes: Buffer) => heard.push(bytes));
    await until(() => worker.events.length === 1 && agent.readableEnded);
    expect(said()).toEqual(Buffer.concat([Buffer.from([0x88, 2]), close(1001)]));
    await until(() => upstreamEnd()?.destroyed === true);
    expect(Buffer.concat(heard)[0]).toBe(0x88);
    expect(worker.events).toMatchObject([{ decision: 'allow', reason: 'ALLOWED', status: 101 }]);
  });

  it('age: it is told to go with 1001, and ends, although its upstream goes on talking', async () => {
    const limits = { connectionMs: 0, webSocket: { ...webSocket, closeMs: 200 } };
    const { worker, said, say } = await opened(undefined, limits);
    const talking = setInterval(() => say(Buffer.from([0x82, 1, 1])), 5);
    await until(() => said().length > 20);
    worker.plane.connections.expire();
    await until(() =>
      said()
        .subarray(-4)
        .equals(Buffer.concat([Buffer.from([0x88, 2]), close(1001)])),
    );
    await until(() => worker.events.length === 1);
    clearInterval(talking);
  });

  it('a text that is held counts among the bodies that are, and without room for it gets 1013', async () => {
    const binding = { ...used.binding, surfaces: ['header', 'websocket'] as const };
    const configuration = configurationOf(1, { secret: resealed({ ...used, binding }) });
    const { worker, agent, said } = await opened(configuration, { maxMemoryBytes: 1000 });
    agent.write(fromAgent(0x01, Buffer.alloc(600, 'x')));
    await until(() => worker.plane.heldBodies.bytes === 600);
    agent.write(fromAgent(0x00, Buffer.alloc(600, 'x')));
    await until(() => worker.events.length === 1 && said().length > 0);
    expect(said().subarray(2, 4)).toEqual(close(1013));
    expect(worker.events).toMatchObject([{ reason: 'OVERLOADED', status: 101 }]);
    expect(worker.plane.heldBodies.bytes).toBe(0);
  });
});

/** A version is sealed for the binding that it has. */
function resealed(secret: SecretRecord): SecretRecord {
  return sealedSecret(keyring, { name: secret.name, values: ['the-value-of-the-key'], binding: secret.binding });
}
