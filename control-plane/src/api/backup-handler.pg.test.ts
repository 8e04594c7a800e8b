import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { BackupService } from '../backup/backup.service.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { backupHandler } from './backup-handler.ts';
import { openContext, signIn } from './request-context.ts';

const patience = { timeout: 30_000, interval: 20 };
let services: Awaited<ReturnType<typeof openServices>>;
let server: Server;

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  const { dataSource, change, keys, master } = services;
  // More than all buffers between the two ends hold.
  await dataSource.query(
    `INSERT INTO admin_event (id, at, principal, action, object_kind, object_name, revision, detail)
     SELECT gen_random_uuid(), now(), 'user:x', 'x', 'secret', 'x', 1, jsonb_build_object('x', repeat(md5(random()::text || n), 6000))
     FROM generate_series(1, 300) n`,
  );
  const app = express();
  app.use(openContext({ debug: () => undefined } as never, { requestEnded: () => undefined } as never));
  app.use((_request, response, next) => {
    signIn(response, owner, () => Promise.resolve(owner));
    next();
  });
  const bounds = { stallMs: 2_000, totalMs: 60_000, atOnce: 1, ofPrincipal: 1 };
  app.post('/backup', express.json(), backupHandler(new BackupService(dataSource, change, keys, master), bounds));
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
}, 120_000);
afterAll(async () => {
  server?.close();
  server?.closeAllConnections();
  await services?.close();
});

async function openTransactions(): Promise<number> {
  const [row] = await services.dataSource.query<{ count: string }[]>(
    'SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()',
  );
  return Number(row?.count);
}

const port = (): number => (server.address() as AddressInfo).port;
const ask = () =>
  fetch(`http://127.0.0.1:${port()}/backup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"audit":true}',
  });

describe('a backup', () => {
  it('is cut off when its reader takes nothing, and its connection to the database is free again', async () => {
    const socket = connect(port(), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    const body = '{"audit":true}';
    socket.write(
      `POST /backup HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await vi.waitFor(async () => expect(await openTransactions()).toBe(1), patience);
    expect((await ask()).status).toBe(503);
    await vi.waitFor(async () => expect(await openTransactions()).toBe(0), patience);
    socket.destroy();
    let bytes = 0;
    await vi.waitFor(async () => {
      const answer = await ask();
      bytes = (await answer.arrayBuffer()).byteLength;
      expect(answer.status).toBe(200);
    }, patience);
    expect(bytes).toBeGreaterThan(40_000_000);
  });
});
