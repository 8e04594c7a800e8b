import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type Server, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboardRoutes } from './dashboard-routes.ts';

let folder: string;
let server: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onecli-pages-'));
  const built = join(folder, 'dist');
  await mkdir(join(built, 'assets'), { recursive: true });
  await writeFile(join(folder, 'outside.js'), 'outside');
  await writeFile(join(built, 'index.html'), '<meta content="%ONECLI_NONCE%"><meta content="%ONECLI_PROXY%">');
  await writeFile(join(built, 'assets/index-abc.js'), 'plain text');
  await writeFile(join(built, 'assets/index-abc.js.br'), 'as brotli');
  await writeFile(join(built, 'assets/index-abc.js.gz'), 'as gzip');
  const routes = await dashboardRoutes({ proxyUrl: 'http://"><script>' }, built);
  const app = express();
  if (routes !== undefined) app.use(routes);
  app.use((_request, response) => void response.status(404).send('the API'));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** The path goes out as it is written: `fetch` would take the dots out of it. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const { port } = server.address() as AddressInfo;
  return new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    })
      .on('error', reject)
      .end();
  });
}

const browser = { accept: 'text/html,application/xhtml+xml' };

describe('the dashboard', () => {
  it('sends a file as the build has compressed it, for good', async () => {
    const answer = await get('/assets/index-abc.js', { 'accept-encoding': 'gzip, br' });
    expect(answer).toMatchObject({ status: 200, body: 'as brotli' });
    expect(answer.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
      vary: 'Accept-Encoding',
    });
    expect(await get('/assets/index-abc.js', { 'accept-encoding': 'gzip' })).toMatchObject({ body: 'as gzip' });
    expect(await get('/assets/index-abc.js', { 'accept-encoding': 'br;q=0' })).toMatchObject({ body: 'plain text' });
  });

  it.each(['/', '/secrets/prod%2Fopenai', '/anything/below'])('sends the page to a browser at %s', async (path) => {
    const answer = await get(path, browser);
    expect(answer).toMatchObject({ status: 200 });
    const nonce = /'nonce-([^']+)'/.exec(String(answer.headers['content-security-policy']))?.[1];
    expect(answer.body).toContain(`content="${nonce}"`);
    expect(answer.body).not.toContain('<script>');
    const again = await get(path, browser);
    expect(again.headers['content-security-policy']).not.toBe(answer.headers['content-security-policy']);
  });

  it('has a policy without any unsafe source, and no other origin', async () => {
    const { headers } = await get('/', browser);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|data:|blob:|https?:|\*/);
  });

  it.each([
    '/api/nothing',
    '/API/nothing',
    '/graphql',
    '/metrics',
    '/health',
    '/livez',
    '/readyz',
    '/ca.pem',
    '/backup',
    '/assets/gone.js',
  ])('is not at %s, even for a browser', async (path) => {
    expect(await get(path, browser)).toMatchObject({ status: 404, body: 'the API' });
  });

  it.each(['/secrets', '/nothing'])('leaves programs to the API at %s', async (path) => {
    expect(await get(path, { accept: 'application/json' })).toMatchObject({ status: 404 });
    expect(await get(path, browser, 'POST')).toMatchObject({ status: 404 });
  });

  it.each([
    '/assets/../../outside.js',
    '/assets/..%2f..%2foutside.js',
    '/assets/%2e%2e/%2e%2e/outside.js',
    '/..\\outside.js',
    '//outside.js',
    '/assets/index-abc.js%00',
  ])('gives no file for %s', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.body).toBe('the API');
  });

  it('is not there when it was not built', async () => {
    expect(await dashboardRoutes({ proxyUrl: undefined }, join(folder, 'nowhere'))).toBeUndefined();
  });
});
