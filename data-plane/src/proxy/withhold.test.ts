import { once } from 'node:events';
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { SecretRecord } from '@onecli/shared/domain/snapshot';
import { afterEach, describe, expect, it } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleAgent, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import { until } from './testing/loopback-pair.ts';
import { sampleUpstream, upstreamHost } from './testing/sample-upstream.ts';
import { SampleWorker } from './testing/sample-worker.ts';

const keyring = newKeyring();
const tokenHash = 'aa';
const bot = sampleAgent('bot', { tokens: [{ hash: tokenHash, expiresAtMs: Number.POSITIVE_INFINITY }] });
const key = sealedSecret(keyring, { name: 'prod/a', values: ['the-value-of-the-key'] });

function configurationOf(revision: number, secret: SecretRecord = key, paths: string[] = []): Configuration {
  const rule = { effect: 'allow' as const, hosts: [upstreamHost], paths, methods: [], secrets: ['prod/a'] };
  const policy = { id: '1', name: 'p', agents: [{ kind: 'name' as const, name: 'bot' }], rules: [rule] };
  return new Configuration(
    sampleSnapshot({ revision, agents: [bot], secrets: [secret], policies: new Map([['p', policy]]) }),
  );
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A worker whose dials wait until they are let go, and what its upstream was sent. */
async function worker() {
  const upstream = await sampleUpstream();
  const seen: string[] = [];
  upstream.server.on('request', (request, response) => {
    seen.push(String(request.headers.authorization));
    response.end('ok');
  });
  const dials: (() => void)[] = [];
  const resolved = (): Promise<void> => new Promise((resolve) => void dials.push(resolve));
  const started = new SampleWorker({ keyring, configuration: configurationOf(1), upstream, tokenHash, resolved });
  closers.push(() => {
    started.close();
    upstream.close();
  });
  return { started, seen, dials };
}

const authorization = 'Bearer onecli://prod/a';

describe.each(['HTTP/1.1', 'HTTP/2'] as const)(
  'a request over %s that waits for its upstream to be dialled',
  (version) => {
    async function send(started: SampleWorker): Promise<{ leave: () => Promise<unknown>; answered: Promise<string> }> {
      if (version === 'HTTP/1.1') {
        const agent = await started.openHttp1();
        agent.write(`GET /v1 HTTP/1.1\r\nHost: ${upstreamHost}\r\nAuthorization: ${authorization}\r\n\r\n`);
        const answered = (async () => {
          let text = '';
          for await (const bytes of agent) if ((text += String(bytes)).includes('\r\n\r\n')) break;
          return text;
        })();
        const leave = (): Promise<void> => {
          agent.resetAndDestroy();
          return until(() => started.plane.connections.count === 0);
        };
        return { leave, answered };
      }
      const session = await started.openHttp2();
      const stream: ClientHttp2Stream = session.request({ ':path': '/v1', authorization });
      stream.on('error', () => undefined);
      const answered = once(stream, 'response').then(([fields]) => JSON.stringify(fields));
      const leave = (): Promise<unknown> => {
        stream.close(constants.NGHTTP2_CANCEL);
        return new Promise((resolve) => session.ping(resolve));
      };
      return { leave, answered };
    }

    it('leaves with its secret when nothing has changed', async () => {
      const { started, seen, dials } = await worker();
      const { answered } = await send(started);
      await until(() => dials.length === 1);
      dials[0]?.();
      expect(await answered).toMatch(/200/);
      expect(seen).toEqual(['Bearer the-value-of-the-key']);
    });

    it.each<[string, Configuration, string]>([
      ['its secret is disabled', configurationOf(2, { ...key, isDisabled: true }), 'PLACEHOLDER_NOT_GRANTED'],
      ['its version is destroyed', configurationOf(2, { ...key, versions: new Map() }), 'PLACEHOLDER_NOT_GRANTED'],
      ['its secret is past its time', configurationOf(2, { ...key, expiresAtMs: 1 }), 'SECRET_EXPIRED'],
    ])('does not leave when %s meanwhile', async (_what, next, code) => {
      const { started, seen, dials } = await worker();
      const { answered } = await send(started);
      await until(() => dials.length === 1);
      await started.apply(next);
      dials[0]?.();
      expect(await answered).toContain(code);
      expect(seen).toEqual([]);
      expect(started.events).toMatchObject([{ decision: 'deny', reason: code, secrets: [] }]);
    });

    it('does not leave when its agent has gone, and nothing is opened at the upstream for it', async () => {
      const { started, seen, dials } = await worker();
      const { leave, answered } = await send(started);
      answered.catch(() => undefined);
      await until(() => dials.length === 1);
      await leave();
      dials[0]?.();
      await until(() => started.events.length === 1);
      expect(started.events).toMatchObject([{ reason: 'AGENT_GONE', secrets: [] }]);
      expect(seen).toEqual([]);
    });
  },
);
