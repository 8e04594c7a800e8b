import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';
import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { issueLeaf } from '@onecli/shared/certificates/issue-leaf';
import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { parseConnectTo } from '@onecli/shared/netguard/connect-to';
import { createUpstreamContext } from '@onecli/shared/netguard/upstream-context';
import { SecretValue } from '@onecli/shared/secret-value';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { GuardedCaller } from '../../rotation/call-provider.ts';
import { startLeader } from '../../leadership/testing/start-leader.ts';
import { Boot, openTrail, type Trail } from '../trail/testing/open-trail.ts';
import { buildSinks } from './build-sinks.ts';
import type { Sink } from './sink.ts';
import { SinkRunner } from './sink-runner.ts';
import type { SyslogTarget } from './sink-settings.ts';
import { SyslogSink } from './syslog-sink.ts';
import { WebhookSink } from './webhook-sink.ts';

const host = 'siem.example';
const authority = createAuthority({ commonName: 'SIEM authority', validDays: 2 });
const leaf = issueLeaf(parseAuthority(authority), host);
const tls = { cert: leaf.certificatePem, key: leaf.privateKeyPem };
const secureContext = createUpstreamContext(authority.certificatePem);

let trail: Trail;
let databaseUrl: string;
let boot: Boot;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  databaseUrl = await freshDatabase();
  trail = await openTrail(databaseUrl);
  boot = new Boot(trail.macKey, 'w1', 'b1');
});
afterAll(() => trail?.close());
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function resolverTo(port: number, allowRanges = ['127.0.0.1/32']): CheckedResolver {
  const parsed = parseConnectTo(`${host}:6000=127.0.0.1:${port}`);
  if (parsed.kind !== 'connect-to') throw new Error('no connect-to');
  const guard = new AddressGuard({ allowRanges, ownListeners: [] });
  return new CheckedResolver({ guard, connectTo: parsed.connectTo });
}

const nothing = (): void => undefined;

function runnerOf(sink: Sink): SinkRunner {
  const log = { warn: nothing };
  const { dataSource: database, store } = trail;
  const runner = new SinkRunner({ database, store, sinks: [sink], log, sent: nothing, failed: nothing, backOffMs: 20 });
  closing.push(() => runner.close());
  return runner;
}

const { signal } = new AbortController();
const drain = (sink: Sink): Promise<number> => runnerOf(sink).drain(sink, signal);

/** Waits until no transaction is open that began before, of other databases either: sinks are given what lies behind all of them. */
async function settled(): Promise<void> {
  const [now] = await trail.dataSource.query<{ xid: string }[]>('SELECT pg_current_xact_id()::text AS xid');
  const isBehind = async () => {
    const [row] = await trail.dataSource.query<{ is_behind: boolean }[]>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 AS is_behind',
      [now?.xid],
    );
    return row?.is_behind;
  };
  await expect.poll(isBehind, { timeout: 50_000 }).toBe(true);
}

/** Keeps so many events, so that sinks are given them. */
async function keep(events: number, links: number): Promise<void> {
  await trail.keep(boot.take(events, links));
  await settled();
}

/** What a control plane does with it, if it leads. */
function lead(sink: Sink): void {
  const leader = startLeader(databaseUrl, runnerOf(sink).jobs);
  closing.push(() => leader.stop());
}

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers with what `statuses` says, one after the other, and then 204. */
async function startReceiver(statuses: number[] = []): Promise<{ port: number; deliveries: Delivery[] }> {
  const deliveries: Delivery[] = [];
  const server = createHttps(tls, (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      deliveries.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 204, { location: 'https://elsewhere.example/' }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, deliveries };
}

function webhook(port: number, allowRanges?: string[]): WebhookSink {
  const caller = new GuardedCaller({ resolver: resolverTo(port, allowRanges), secureContext });
  const checkpoint = () => Promise.resolve('a note');
  return new WebhookSink({
    url: `https://${host}:6000/in`,
    key: SecretValue.of('0123456789abcdef'),
    caller,
    checkpoint,
  });
}

const idsOf = (deliveries: readonly Delivery[]): string[] =>
  deliveries.flatMap(({ body }) => (JSON.parse(body) as { events: { id: string }[] }).events.map(({ id }) => id));

describe('a webhook', () => {
  it('gets every event once and in order, in signed batches, and goes on where it was', async () => {
    const { port, deliveries } = await startReceiver();
    const sink = webhook(port);
    await settled();
    await drain(sink);
    await keep(450, 50);
    expect(await drain(sink)).toBe(450);
    expect(deliveries.map(({ body }) => (JSON.parse(body) as { events: [] }).events.length)).toEqual([200, 200, 50]);
    expect(idsOf(deliveries)).toEqual(boot.events.map(({ id }) => id));
    const [{ headers, body } = { headers: {}, body: '' }] = deliveries;
    const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-onecli-signature'])) ?? [];
    expect(createHmac('sha256', '0123456789abcdef').update(`${seconds}.${body}`).digest('hex')).toBe(mac);
    expect(JSON.parse(body)).toMatchObject({ checkpoint: 'a note', batch: headers['x-onecli-batch'] });
    expect(await drain(sink)).toBe(0);
  });

  it('that refuses, redirects or breaks off gets the same batch again, until it takes it', async () => {
    const { port, deliveries } = await startReceiver([500, 302, 429]);
    const sink = webhook(port);
    const before = boot.events.length;
    await keep(3, 3);
    lead(sink);
    await expect.poll(() => deliveries.length, { timeout: 20_000 }).toBe(4);
    expect(new Set(deliveries.map(({ headers }) => headers['x-onecli-batch'])).size).toBe(1);
    expect(idsOf(deliveries.slice(3))).toEqual(boot.events.slice(before).map(({ id }) => id));
  });

  it('is not called at an address that is refused', async () => {
    const { port, deliveries } = await startReceiver();
    const sink = webhook(port, []);
    await keep(1, 1);
    await expect(drain(sink)).rejects.toThrow('an address that is refused');
    expect(deliveries).toHaveLength(0);
  });

  it('and syslog, as they are wired, reach no address of this machine or network, nor the API where that is allowed', async () => {
    const { port, deliveries } = await startReceiver();
    const url = `https://127.0.0.1:${port}/in`;
    const webhook = { url, key: SecretValue.of('0123456789abcdef') };
    const syslog = { protocol: 'tcp', host: '169.254.169.254', port: 601 };
    const tried = async (apiPort: number, allowRanges: string[], auditSinks: object) => {
      const told: string[] = [];
      const outgoing = { allowRanges, connectTo: undefined, rootsPem: authority.certificatePem };
      const surroundings = {
        config: { bind: '127.0.0.1', apiPort, outgoing, auditSinks },
        database: trail.dataSource,
        store: trail.store,
        metrics: { auditSent: nothing, auditSinkFailed: nothing },
        log: { warn: ({ err }: { err: unknown }) => told.push(String(err)) },
      };
      const runner = buildSinks(surroundings as unknown as Parameters<typeof buildSinks>[0]);
      closing.push(() => runner.close());
      // One that is new begins with what is written from now on.
      for (const { look } of runner.jobs) await look(signal);
      await keep(1, 1);
      const looked = async (): Promise<number> => {
        for (const { look } of runner.jobs) await look(signal);
        return told.length;
      };
      // Others write on this server, too: an event is sent when no transaction before it is under way.
      await expect.poll(looked, { timeout: 20_000 }).toBeGreaterThan(0);
      return told.join(' ');
    };
    // The receiver is not the API: only the ranges keep it from being called.
    expect(await tried(1, [], { webhook })).toContain('an address that is refused');
    expect(await tried(1, [], { syslog })).toContain('an address that is refused');
    // Allowed, it is called, and refused for its certificate, which is another name’s.
    const called = await tried(1, ['127.0.0.0/8'], { webhook });
    expect(called).not.toContain('refused');
    expect(called).toContain('127.0.0.1');
    // It is the API, and is not called although its range is allowed.
    expect(await tried(port, ['127.0.0.0/8'], { webhook })).toContain('an address that is refused');
    expect(deliveries).toHaveLength(0);
  });

  it('is called by one control plane at a time', async () => {
    const { port, deliveries } = await startReceiver();
    const [one, two] = [webhook(port), webhook(port)];
    await settled();
    await drain(one);
    deliveries.length = 0;
    const before = boot.events.length;
    lead(one);
    lead(two);
    for (let round = 0; round < 5; round++) await trail.keep(boot.take(20, 5));
    await expect.poll(() => idsOf(deliveries).length, { timeout: 20_000 }).toBe(100);
    expect(idsOf(deliveries)).toEqual(boot.events.slice(before).map(({ id }) => id));
  });
});

/** Messages by octet counting (RFC 6587), as they come. */
function unframed(text: Buffer): string[] {
  const messages: string[] = [];
  let at = 0;
  while (at < text.length) {
    const space = text.indexOf(0x20, at);
    const length = Number(text.toString('ascii', at, space));
    messages.push(text.toString('utf8', space + 1, space + 1 + length));
    at = space + 1 + length;
  }
  return messages;
}

const form = /^<(\d+)>1 (\S+) \S+ onecli \d+ (ALLOW|DENY) - \u{feff}(\{.*\})$/su;

async function syslogRun(protocol: SyslogTarget['protocol'], port: number): Promise<string[]> {
  const sink = new SyslogSink({ target: { protocol, host, port: 6000 }, resolver: resolverTo(port), secureContext });
  const runner = runnerOf(sink);
  await settled();
  await runner.drain(sink, signal);
  const before = boot.events.length;
  await keep(9, 3);
  expect(await runner.drain(sink, signal)).toBe(9);
  return boot.events.slice(before).map(({ id }) => id);
}

const idOf = (message: string): string => {
  const [, priority, , kind, json = ''] = form.exec(message) ?? [];
  const event = JSON.parse(json) as { id: string; decision: string; findings: [] };
  expect(Number(priority)).toBe(13 * 8 + (event.decision === 'deny' || event.findings.length > 0 ? 4 : 6));
  expect(kind).toBe(event.decision.toUpperCase());
  return event.id;
};

describe('syslog', () => {
  it.each(['tcp', 'tls'] as const)('by %s gets RFC 5424 messages by octet counting', async (protocol) => {
    let received = Buffer.alloc(0);
    const take = (socket: Socket): void =>
      void socket.on('data', (data) => (received = Buffer.concat([received, data]))).on('error', () => undefined);
    const server = protocol === 'tcp' ? createTcp(take) : createTls(tls, take);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    await trail.dataSource.query('DELETE FROM audit_sink');
    const ids = await syslogRun(protocol, (server.address() as AddressInfo).port);
    await expect.poll(() => unframed(received).length).toBe(9);
    expect(unframed(received).map(idOf)).toEqual(ids);
  });

  it('by udp gets one message in each datagram', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    closing.push(() => socket.close());
    const messages: string[] = [];
    socket.on('message', (message) => messages.push(message.toString('utf8')));
    await trail.dataSource.query('DELETE FROM audit_sink');
    const sink = new SyslogSink({
      target: { protocol: 'udp', host: '127.0.0.1', port: socket.address().port },
      resolver: resolverTo(1),
      secureContext,
    });
    const runner = runnerOf(sink);
    await settled();
    await runner.drain(sink, signal);
    const before = boot.events.length;
    await keep(5, 5);
    await runner.drain(sink, signal);
    await expect.poll(() => messages.length).toBe(5);
    expect(messages.map(idOf)).toEqual(boot.events.slice(before).map(({ id }) => id));
  });
});
