import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startTelemetry } from './start-telemetry.ts';

interface Sent {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly unknown[] }[] }[];
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A collector that keeps each answer back until it is told to answer. */
async function hangingCollector() {
  const waiting: ServerResponse[] = [];
  const state = { spans: 0, isHanging: true, requests: 0 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const sent = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Partial<Sent>;
      state.requests += 1;
      for (const { scopeSpans } of sent.resourceSpans ?? [])
        for (const { spans } of scopeSpans) state.spans += spans.length;
      if (state.isHanging) waiting.push(response);
      else response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const answer = (): void => {
    state.isHanging = false;
    for (const response of waiting) response.end('{}');
  };
  return { state, answer, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function telemetryOf(endpoint: string) {
  const facts = { endpoint, service: 'test', instance: 'test-1', version: '1.0.0' };
  return startTelemetry(facts, () => Promise.resolve([]));
}

const span = {
  name: 'GET',
  kind: 'server' as const,
  startMs: 1,
  endMs: 2,
  parent: undefined,
  attributes: {},
  isError: false,
};

describe('a collector that does not answer', () => {
  it('is held no more spans for than a queue and a batch', async () => {
    const { state, answer, endpoint } = await hangingCollector();
    const telemetry = await telemetryOf(endpoint);
    for (let count = 0; count < 10_000; count++) telemetry.span(span);
    await expect.poll(() => state.requests, { timeout: 10_000 }).toBeGreaterThan(0);
    for (let count = 0; count < 10_000; count++) telemetry.span(span);
    answer();
    await telemetry.close();
    expect(state.spans).toBeGreaterThanOrEqual(2_048);
    expect(state.spans).toBeLessThanOrEqual(2_048 + 512);
  });

  it('does not keep a process from its end', async () => {
    const { state, endpoint } = await hangingCollector();
    const telemetry = await telemetryOf(endpoint);
    telemetry.span(span);
    await telemetry.close();
    expect(state).toMatchObject({ spans: 1, isHanging: true });
  });
});
