import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrailLine } from '@onecli/shared/domain/audit-trail/trail-lines';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { everywhere } from '../../auth/principal.ts';
import { callAs, makeUser, passwordOf } from '../../auth/testing/people.ts';
import { basic, type Served, serve } from '../../api/testing/serve.ts';
import { AuditStore } from '../audit-store.ts';
import { Boot, verify } from '../trail/testing/open-trail.ts';
import { TrailKeeper } from '../trail/trail-keeper.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  const { keyring, auditMacKey: macKey } = api.keys;
  const keeper = new TrailKeeper({ keyring, macKey, log: { error: () => undefined }, faulty: () => undefined });
  const boot = new Boot(macKey, 'w1', 'b1');
  const taken = boot.take(1_200, 20);
  await api.database.transaction(async (manager) => {
    await new AuditStore(api.database, keyring).insert(taken.rows, manager);
    await keeper.keep(manager, taken);
  });
});
afterAll(() => api?.stop());

const read = async (query: string, headers = {}) => api.call('GET', `/api/audit/export?${query}`, undefined, headers);

describe('GET /api/audit/export', () => {
  it('gives JSON lines that are found sound, with admin events among them', async () => {
    const { text } = await read('format=jsonl');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TrailLine);
    const report = verify(lines, { macKey: api.keys.auditMacKey });
    expect(report).toMatchObject({ isSound: true, areMacsChecked: true });
    expect(report.entries).toBeGreaterThan(1_200);
  });

  it('gives CSV with a line for each event, and no cell that a spreadsheet would compute', async () => {
    await api.database.query(
      `UPDATE audit_event SET method = '=HYPERLINK("x")', agent = '+1', host = E'a"b\\nc' WHERE id = 'w1-b1-2'`,
    );
    const { text, headers } = await read('format=csv');
    expect(headers['content-type']).toContain('text/csv');
    const lines = text.split('\r\n');
    expect(lines).toHaveLength(1_200 + 2);
    const [altered = ''] = lines.filter((line) => line.includes(',w1-b1-2,'));
    expect(altered).toContain(`,"'=HYPERLINK(""x"")",`);
    expect(altered).toContain(`,"'+1",`);
    expect(altered).toContain(`,"a""b\nc",`);
    for (const formula of [' =1', '\t=1', '-1', '@SUM(1)', '\uff1d1']) {
      await api.database.query(`UPDATE audit_event SET agent = $1 WHERE id = 'w1-b1-2'`, [formula]);
      expect((await read('format=csv')).text).toContain(`,"'${formula}",`);
    }
    await api.database.query(
      `UPDATE audit_event SET method = 'POST', agent = 'my-agent', host = 'h2.example' WHERE id = 'w1-b1-2'`,
    );
  });

  it('gives OCSF events of the class HTTP Activity', async () => {
    const { text } = await read('format=ocsf&decision=deny');
    const events = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.length).toBeGreaterThan(100);
    for (const event of events.slice(0, 20))
      expect(event).toMatchObject({
        class_uid: 4002,
        category_uid: 4,
        activity_id: 6,
        type_uid: 400_206,
        action_id: 2,
        disposition_id: 2,
        status_id: 2,
        metadata: { version: '1.3.0', product: { name: 'OneCLI' } },
        http_request: { http_method: 'POST' },
      });
  });

  it('is recorded, and refuses what it cannot do and who may not', async () => {
    expect(await read('format=xml')).toMatchObject({ status: 400, json: { error: { field: 'format' } } });
    expect((await read('format=csv&since=yesterday')).json).toMatchObject({ error: { field: 'since' } });
    expect((await read('format=csv', { authorization: '' })).status).toBe(401);
    await makeUser(api, 'some', [{ role: 'auditor', environments: ['staging'] }]);
    await makeUser(api, 'none', everywhere('agent-manager'));
    const asSome = basic('some', passwordOf('some'));
    expect((await read('format=jsonl', asSome)).status).toBe(403);
    expect((await read('format=csv', asSome)).text.split('\r\n')).toHaveLength(2);
    expect((await read('format=csv', basic('none', passwordOf('none')))).status).toBe(403);
    const [row] = await api.database.query<{ count: string }[]>(
      `SELECT count(*) FROM admin_event WHERE action = 'audit:export' AND outcome = 'done'`,
    );
    expect(Number(row?.count)).toBe(9);
  });
});

describe('/api/audit/trail', () => {
  it('verifies, and names the first bad event; GraphQL says the same', async () => {
    const good = await api.call('POST', '/api/audit/trail/verify', {});
    expect(good.json).toMatchObject({ isSound: true, first: null, areMacsChecked: true });
    const { checkpoint } = (await api.call('GET', '/api/audit/trail')).json as { checkpoint: string };
    await api.database.query(`UPDATE audit_event SET status = 201 WHERE id = 'w1-b1-2'`);
    const bad = await api.call('POST', '/api/audit/trail/verify', { checkpoints: [checkpoint] });
    expect(bad.json).toMatchObject({ isSound: false, first: { kind: 'ROW_ALTERED', id: 'w1-b1-2' } });
    const { data } = await api.graphql(
      '{ auditTrailReport { isSound first { id kind message } } auditTrail { size key } }',
    );
    expect(data).toMatchObject({ auditTrailReport: { isSound: false, first: { id: 'w1-b1-2' } } });
    await api.database.query(`UPDATE audit_event SET status = 200 WHERE id = 'w1-b1-2'`);
  });

  it('proves that an entry is in a tree, and that a tree has only grown', async () => {
    const inclusion = await api.call('GET', '/api/audit/trail/inclusion/1000/37');
    expect((inclusion.json as { path: string[] }).path).toHaveLength(10);
    expect((await api.call('GET', '/api/audit/trail/consistency/1000/500')).status).toBe(200);
    expect((await api.call('GET', '/api/audit/trail/inclusion/1000/1000')).json).toMatchObject({
      error: { field: 'index' },
    });
    expect((await api.call('GET', '/api/audit/trail/inclusion/999999999/1')).status).toBe(400);
    await callAs(api, {}, 'GET', '/api/audit/trail').then(({ status }) => expect(status).toBe(401));
  });
});
