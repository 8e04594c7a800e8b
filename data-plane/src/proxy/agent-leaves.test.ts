import { aliasOf } from '@onecli/shared/domain/placeholder';
import { afterEach, expect, it } from 'vitest';
import type { IntendedEvent } from '../audit/audit-item.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import { until } from './testing/loopback-pair.ts';
import { sampleUpstream, upstreamHost } from './testing/sample-upstream.ts';
import { SampleWorker } from './testing/sample-worker.ts';

const keyring = newKeyring();
const tokenHash = 'aa';
const bot = sampleAgent('bot', { tokens: [{ hash: tokenHash, expiresAtMs: Number.POSITIVE_INFINITY }] });
const alias = aliasOf('sk-', 'aB3'.repeat(9) + 'z');
const key = sealedSecret(keyring, { name: 'prod/a', values: ['the-value-of-the-key'], alias });
const rule = { effect: 'allow' as const, hosts: [upstreamHost], paths: [], methods: [], secrets: ['prod/a'] };
const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules: [rule] };
const configuration = new Configuration(
  sampleSnapshot({ agents: [bot], secrets: [key], policies: new Map([['p', policy]]) }),
);

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

it.each(['HTTP/1.1', 'HTTP/2'])(
  'an agent that leaves while its intent is being kept holds nothing (%s)',
  async (protocol) => {
    const upstream = await sampleUpstream();
    const worker = new SampleWorker({ keyring, configuration, upstream, tokenHash });
    closers.push(() => {
      worker.close();
      upstream.close();
    });
    let isAsked = false;
    const never = new Promise<boolean>(() => undefined);
    const intend = (event: IntendedEvent) => {
      isAsked = true;
      return { intent: { sequence: undefined, event }, kept: never };
    };
    Object.assign(worker.plane.trail, { intend });
    if (protocol === 'HTTP/2') {
      const session = await worker.openHttp2();
      const stream = session.request({ ':path': '/v1', authorization: `Bearer ${alias}` });
      stream.on('error', () => undefined);
      await until(() => isAsked);
      stream.close(8);
    } else {
      const socket = await worker.openHttp1();
      socket.write(`GET /v1 HTTP/1.1\r\nhost: ${upstreamHost}\r\nauthorization: Bearer ${alias}\r\n\r\n`);
      await until(() => isAsked);
      socket.destroy();
    }
    await until(() => worker.events.length === 1);
    expect(worker.events[0]).toMatchObject({ reason: 'AGENT_GONE', secrets: [] });
  },
);
