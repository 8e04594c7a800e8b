import { once } from 'node:events';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { DataPlane } from '../proxy/data-plane.ts';
import { DeadlineClock } from '../proxy/deadline.ts';
import { http1AgentOn } from '../proxy/testing/http1-agent-on.ts';
import { type LoopbackPair, loopbackPair } from '../proxy/testing/loopback-pair.ts';
import type { RequestHead } from '../wire/head.ts';
import { Metrics } from './metrics.ts';
import { answerOwnRequest } from './own-endpoints.ts';

const clock = new DeadlineClock();
afterAll(() => clock.close());
const pairs: LoopbackPair[] = [];
afterEach(() => {
  for (const pair of pairs.splice(0)) pair.close();
});

interface State {
  readonly revision?: number | undefined;
  readonly isStoreReachable?: boolean;
  readonly refusal?: string;
  readonly isMasterKeyCurrent?: boolean;
  readonly isQueueReachable?: boolean;
  readonly hasRoom?: boolean;
  readonly isDraining?: boolean;
  readonly bundlePem?: string | undefined;
}

function planeIn(state: State): DataPlane {
  const revision = 'revision' in state ? state.revision : 7;
  return {
    configuration: {
      current: revision === undefined ? undefined : { revision },
      isStoreReachable: state.isStoreReachable ?? true,
      refusal: state.refusal,
      isMasterKeyCurrent: state.isMasterKeyCurrent ?? true,
    },
    trail: { hasRoom: state.hasRoom ?? true, isQueueReachable: state.isQueueReachable ?? true, pendingCount: 3 },
    metrics: new Metrics({ revision: () => 7, pooled: () => 0, auditPending: () => 3 }),
    authority: { leaves: undefined, bundlePem: 'bundlePem' in state ? state.bundlePem : 'CERTIFICATE' },
    connections: { count: 2 },
    isDraining: state.isDraining ?? false,
  } as unknown as DataPlane;
}

async function ask(target: string, state: State = {}, head: Partial<RequestHead> = {}) {
  const pair = await loopbackPair();
  pairs.push(pair);
  const request: RequestHead = { method: 'GET', target, minor: 1, headers: [], ...head };
  const agent = http1AgentOn(pair.near, clock);
  await answerOwnRequest(planeIn(state), agent, request);
  pair.near.end();
  const chunks: Buffer[] = [];
  pair.far.on('data', (chunk) => chunks.push(chunk));
  await once(pair.far, 'end');
  const text = Buffer.concat(chunks).toString();
  const [start = '', body = ''] = text.split('\r\n\r\n');
  return { isLast: agent.isLast, status: Number(start.split(' ')[1]), start, body };
}

describe('answerOwnRequest', () => {
  it('says how the worker is', async () => {
    const { status, body, isLast } = await ask('/health');
    expect([status, isLast]).toEqual([200, false]);
    expect(JSON.parse(body)).toEqual({
      status: 'ok',
      revision: 7,
      database: 'up',
      refusal: null,
      masterKey: 'current',
      queue: 'up',
      auditPending: 3,
      connections: 2,
    });
  });

  it.each<[string, State, number, string]>([
    ['the store is away', { isStoreReachable: false }, 200, 'degraded'],
    ['the store went back', { refusal: 'WENT_BACK' }, 200, 'degraded'],
    ['the master key was replaced', { isMasterKeyCurrent: false }, 200, 'degraded'],
    ['the queue is away', { isQueueReachable: false }, 200, 'degraded'],
    ['there is no configuration', { revision: undefined, isStoreReachable: false }, 503, 'unavailable'],
    ['the audit trail is full', { hasRoom: false, isQueueReachable: false }, 503, 'unavailable'],
    ['it is shutting down', { isDraining: true }, 503, 'draining'],
  ])('tells when %s', async (_name, state, status, word) => {
    const health = await ask('/health', state);
    expect([health.status, (JSON.parse(health.body) as { status: string }).status]).toEqual([status, word]);
    expect((await ask('/readyz', state)).status).toBe(status);
    expect((await ask('/livez', state)).status).toBe(200);
  });

  it('gives the certificate of the authority once there is one', async () => {
    expect(await ask('/ca.pem')).toMatchObject({ status: 200, body: 'CERTIFICATE' });
    expect((await ask('/ca.pem', { bundlePem: undefined })).status).toBe(503);
  });

  it('gives the page of an error', async () => {
    const { status, body } = await ask('/errors/PROXY_AUTH_REQUIRED');
    expect([status, body]).toEqual([200, expect.stringContaining('## PROXY_AUTH_REQUIRED')]);
  });

  it('gives the metrics', async () => {
    const { status, body } = await ask('/metrics');
    expect(status).toBe(200);
    expect(body).toContain('onecli_audit_pending_events 3');
  });

  it('does not mind a query', async () => {
    expect((await ask('/health?x=1')).status).toBe(200);
  });

  it.each([
    '/',
    '/healthz',
    '/health/',
    '/Health',
    '//health',
    '/api/secrets',
    '/health%20',
    '/errors/',
    '/errors/NONE',
    '/errors/toString',
    '/to',
  ])('says of %s what this port is', async (target) => {
    const { status, start, isLast } = await ask(target);
    expect([status, isLast]).toEqual([404, true]);
    expect(start).toContain('x-onecli-error: NOT_A_PROXY_REQUEST');
  });

  it.each(['POST', 'DELETE', 'OPTIONS'])('does not answer %s', async (method) => {
    expect(await ask('/health', {}, { method })).toMatchObject({ status: 405, isLast: true });
  });

  it('answers HEAD without a body', async () => {
    expect(await ask('/health', {}, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('ends the connection when the next request’s start is not certain', async () => {
    const withBody = [{ name: 'content-length', rawName: 'Content-Length', value: '5' }];
    expect(await ask('/health', {}, { headers: withBody })).toMatchObject({ status: 200, isLast: true });
    expect((await ask('/health', {}, { minor: 0 })).isLast).toBe(true);
  });
});
