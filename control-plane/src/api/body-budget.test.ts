import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type NextFunction, type Request, type Response } from 'express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { everywhere, type Principal } from '../auth/principal.ts';
import { BodyBudget } from './body-budget.ts';
import { readJson } from './guards.ts';
import { openContext, signIn } from './request-context.ts';

const principal: Principal = { kind: 'user', name: 'ada', userId: 'u', assignments: everywhere('admin') };
const megabyte = 1024 * 1024;

let server: http.Server;
let failed = 0;
beforeEach(async () => {
  failed = 0;
  const app = express();
  app.use(openContext({ debug: () => undefined } as never, { requestEnded: () => undefined } as never));
  app.use((_request, response, next) => {
    signIn(response, principal, () => Promise.resolve(principal));
    next();
  });
  app.use(readJson());
  app.use((request, response) => void response.json(Object.keys(request.body as object)));
  app.use((error: { code?: string; status?: number }, _request: Request, response: Response, _next: NextFunction) => {
    failed++;
    response.status(error.code === 'OVERLOADED' ? 503 : (error.status ?? 500)).end();
  });
  server = http.createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

/** A write whose length nobody tells, or that of `headers`. */
function begin(headers: Record<string, string> = { 'transfer-encoding': 'chunked' }): http.ClientRequest {
  const { port } = server.address() as AddressInfo;
  return http.request({
    port,
    method: 'PUT',
    path: '/api/agents/x',
    headers: { 'content-type': 'application/json', ...headers },
  });
}

async function send(body: string): Promise<number> {
  const request = begin();
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}

describe('a body whose length nobody tells', () => {
  it('costs what came of it, and not what might have come', async () => {
    for (let n = 0; n < 40; n++) expect(await send('{"a":1}')).toBe(200);
    for (let n = 0; n < 40; n++) expect(await send('{"a":')).toBe(400);
  });

  it('costs what came of it when it is large', async () => {
    const body = `{"a":1${' '.repeat(megabyte - 100)}}`;
    const answers: number[] = [];
    for (let n = 0; n < 26; n++) answers.push(await send(body));
    expect(answers).toEqual([...Array.from({ length: 24 }, () => 200), 503, 503]);
  });
});

describe('a body that breaks off', () => {
  it.each<[string, Record<string, string>]>([
    ['was told', { 'content-length': String(megabyte) }],
    ['was not told', { 'transfer-encoding': 'chunked' }],
  ])('costs what came of it where its length %s', async (_what, headers) => {
    for (let n = 1; n <= 26; n++) {
      const reading = once(server, 'request');
      const request = begin(headers).on('error', () => undefined);
      request.write('{"a":');
      await reading;
      request.destroy();
      await vi.waitFor(() => expect(failed).toBe(n), { timeout: 5_000 });
    }
    expect(await send('{"a":1}')).toBe(200);
  });
});

describe('BodyBudget', () => {
  it('gives nothing back into a minute in which it was not taken', async () => {
    vi.useFakeTimers();
    try {
      const budget = new BodyBudget();
      const held = await Promise.all(Array.from({ length: 24 }, () => budget.take(principal, megabyte)));
      await expect(budget.take(principal, megabyte)).rejects.toMatchObject({ code: 'OVERLOADED' });
      vi.advanceTimersByTime(61_000);
      for (const settle of held) await settle(0);
      for (let n = 0; n < 24; n++) await budget.take(principal, megabyte);
      await expect(budget.take(principal, megabyte)).rejects.toMatchObject({ code: 'OVERLOADED' });
    } finally {
      vi.useRealTimers();
    }
  });
});
