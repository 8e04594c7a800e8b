import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import type { HealthCheck } from './health-check.ts';
import { healthRoutes } from './health-routes.ts';
import type { Gauges, Metrics } from './metrics.ts';

let server: Server | undefined;
afterEach(() => server?.close());

describe('GET /metrics', () => {
  it('looks at the database once for all who ask meanwhile, and anew for who asks after', async () => {
    let looks = 0;
    let asked = 0;
    const gauges = async (): Promise<Gauges> => {
      looks += 1;
      await expect.poll(() => asked % 10).toBe(0);
      return { queue: undefined, workers: undefined, pool: undefined };
    };
    const look = () => Promise.resolve(void asked++).then(() => ({ database: 'up' }));
    const metrics = { take: () => undefined, contentType: 'text/plain', text: () => Promise.resolve('') };
    const routes = healthRoutes({ look } as unknown as HealthCheck, metrics as unknown as Metrics, gauges);
    server = express().use(routes).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const askTen = () => Promise.all(Array.from({ length: 10 }, () => fetch(`http://127.0.0.1:${port}/metrics`)));
    await askTen();
    expect([asked, looks]).toEqual([10, 1]);
    await askTen();
    expect([asked, looks]).toEqual([20, 2]);
  });
});
