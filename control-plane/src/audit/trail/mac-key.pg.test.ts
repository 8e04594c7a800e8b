import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrailLine, TrailReport } from '@onecli/shared/domain/audit-trail/trail-lines';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { adminPassword, basic, type Served, serve } from '../../api/testing/serve.ts';
import { everywhere } from '../../auth/principal.ts';
import { callAs, makeKey, makeUser, passwordOf } from '../../auth/testing/people.ts';
import { AuditStore } from '../audit-store.ts';
import { Boot, verify, verifyByScript } from './testing/open-trail.ts';
import { TrailKeeper } from './trail-keeper.ts';

let api: Served;
beforeAll(async () => {
  api = await serve(await freshDatabase());
  const { keyring, auditMacKey: macKey } = api.keys;
  const keeper = new TrailKeeper({ keyring, macKey, log: { error: () => undefined }, faulty: () => undefined });
  const taken = new Boot(macKey, 'w1', 'b1').take(60, 7);
  await api.database.transaction(async (manager) => {
    await new AuditStore(api.database, keyring).insert(taken.rows, manager);
    await keeper.keep(manager, taken);
  });
});
afterAll(() => api?.stop());

const path = '/api/audit/mac-key';
const ask = (headers: Record<string, string>, password: string) => callAs(api, headers, 'POST', path, { password });
const events = async (outcome: string) =>
  api.database.query(
    "SELECT principal, object_name FROM admin_event WHERE action = 'audit:export-key' AND outcome = $1 ORDER BY at",
    [outcome],
  );

describe('POST /api/audit/mac-key', () => {
  it('gives no key to who is no owner, to no API key of an owner, and for no wrong password', async () => {
    await makeUser(api, 'ann', everywhere('admin'));
    const ofAnn = await ask(basic('ann', passwordOf('ann')), passwordOf('ann'));
    const ownersKey = await makeKey(api, basic('admin', adminPassword), { name: 'all' });
    const ofKey = await ask(ownersKey, adminPassword);
    const ofOwner = await ask(basic('admin', adminPassword), 'not the password');
    expect([ofAnn.status, ofKey.status, ofOwner.status]).toEqual([403, 403, 401]);
    for (const { text } of [ofAnn, ofKey, ofOwner]) expect(text).not.toContain(api.keys.auditMacKey.toString('hex'));
    expect(await events('done')).toEqual([]);
    expect((await events('refused')).length).toBeGreaterThanOrEqual(2);
  });

  it('counts wrong passwords as logins are counted', async () => {
    const statuses = new Set<number>();
    for (let guess = 0; guess < 30; guess++)
      statuses.add((await ask(basic('admin', adminPassword), `guess ${guess}`)).status);
    expect(statuses).toEqual(new Set([401, 429]));
    await api.database.query('TRUNCATE login_limit');
  });

  it('gives an owner the key with which both verifiers check the MACs of an export; the trail and no log has it', async () => {
    const answer = await ask(basic('admin', adminPassword), adminPassword);
    expect(answer.status).toBe(200);
    // That it was given stands in the trail already.
    const [{ waiting }] = await api.database.query(
      "SELECT count(*)::int AS waiting FROM admin_event WHERE action = 'audit:export-key' AND NOT is_in_trail",
    );
    expect(waiting).toBe(0);
    const { key } = answer.json as { key: string };
    const macKey = Buffer.from(key, 'hex');
    const { text } = await api.call('GET', '/api/audit/export');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as TrailLine);
    expect(verify(lines, { macKey })).toMatchObject({ isSound: true, areMacsChecked: true });
    expect(await verifyByScript(text, { macKey })).toMatchObject({ isSound: true });
    macKey.writeUInt8(macKey.readUInt8(0) ^ 1);
    expect(verify(lines, { macKey }).isSound).toBe(false);
    expect((await verifyByScript(text, { macKey })).isSound).toBe(false);
    expect(await events('done')).toEqual([{ principal: 'user:admin', object_name: 'audit-mac' }]);
    expect(text).not.toContain(key);
    expect(api.logLines.join('\n')).not.toContain(key);
    const [{ row }] = await api.database.query("SELECT string_agg(e::text, '') AS row FROM admin_event e");
    expect(row).not.toContain(key);
  });
});

describe('POST /api/audit/trail/verification', () => {
  it('ends with the report that the other verification gives, and lets another one begin', async () => {
    for (const checkpoints of [[], ['not a checkpoint']]) {
      const told = await api.call('POST', '/api/audit/trail/verification', { checkpoints });
      expect(told.status).toBe(200);
      const last = told.text.trimEnd().split('\n').at(-1) ?? '';
      const { type, ...report } = JSON.parse(last) as TrailReport & { type: string };
      expect(type).toBe('report');
      expect(report.isSound).toBe(checkpoints.length === 0);
      const { json } = await api.call('POST', '/api/audit/trail/verify', { checkpoints });
      expect(report.faultCount).toBe((json as TrailReport).faultCount);
    }
  });

  it('is refused to who may not read all of it', async () => {
    await makeUser(api, 'bob', [{ role: 'auditor', environments: ['staging'] }]);
    const answer = await callAs(api, basic('bob', passwordOf('bob')), 'POST', '/api/audit/trail/verification', {});
    expect(answer.status).toBe(403);
  });
});
