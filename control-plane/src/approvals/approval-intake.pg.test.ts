import type { AuditEvent } from '@onecli/shared/domain/audit-event';
import type { EntityManager } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { ApprovalIntake } from './approval-intake.ts';
import { ApprovalService } from './approval.service.ts';
import { refusedEvent } from './testing/ask.ts';

const host = 'api.example.com';
const asking = {
  hosts: [host],
  paths: ['/pay/**', '/pay'],
  methods: ['POST'],
  approval: true,
};
let services: Awaited<ReturnType<typeof openServices>>;
let approvals: ApprovalService;
let intake: ApprovalIntake;
let warnings: string[];

beforeAll(async () => {
  services = await openServices(await freshDatabase());
  const { dataSource: database, change, keys, policies } = services;
  approvals = new ApprovalService({ database, change, keys, policies });
});
beforeEach(() => {
  warnings = [];
  intake = newIntake();
});
afterAll(() => services.close());

function newIntake(): ApprovalIntake {
  const { dataSource: database, keys } = services;
  return new ApprovalIntake({
    database,
    keys,
    log: { warn: (_fields, message) => warnings.push(message) },
  });
}

/** An agent with a rule that asks: gives how it is refused. */
async function agentAsking(name: string) {
  const { id } = (await services.agents.create(owner, { name })).object;
  await services.policies.create(owner, {
    name: `of-${name}`,
    agents: [name],
    rules: [{ allow: asking }],
  });
  return (path = '/pay/1', more: Partial<AuditEvent> = {}) => refusedEvent(name, id, { path, ...more });
}

const replaced = (name: string, ...rules: object[]) =>
  services.policies.replace(owner, `of-${name}`, {
    agents: [name],
    rules: rules.map((allow) => ({ allow })),
  });

async function refused(...events: AuditEvent[]): Promise<void> {
  intake.count(events);
  await intake.write();
}

async function mine(agent: string) {
  const { items } = await approvals.list(owner, { limit: 200 });
  return items.map(({ approval }) => approval).filter((one) => one.agent === agent);
}

async function only(agent: string) {
  const [one, ...others] = await mine(agent);
  if (one === undefined || others.length > 0) throw new Error(`${agent} has asked for ${others.length} things more`);
  return one;
}

const pendingOf = async (agent: string) => (await mine(agent)).filter(({ state }) => state === 'PENDING').length;
const fifty = (ask: (path: string) => AuditEvent, of = 'pay') =>
  Array.from({ length: 50 }, (_, index) => ask(`/pay/${of}-${index}`));

/** Does something while another holds the row of an approval. */
async function whileHeld(id: string, work: (release: () => Promise<void>) => Promise<void>): Promise<void> {
  const runner = services.dataSource.createQueryRunner();
  await runner.startTransaction();
  try {
    await runner.query('SELECT FROM approval WHERE id = $1 FOR UPDATE', [id]);
    await work(() => runner.commitTransaction());
  } finally {
    if (runner.isTransactionActive) await runner.rollbackTransaction();
    await runner.release();
  }
}

/** Does something as soon as what is old is removed. */
function beforeDrop(work: () => Promise<void>) {
  const { dataSource } = services;
  const query = dataSource.query.bind(dataSource) as typeof dataSource.query;
  return vi.spyOn(dataSource, 'query').mockImplementation(async (text, ...more) => {
    if (text.startsWith('DELETE')) await work();
    return query(text, ...more) as unknown;
  });
}

const makeOld = (agent: string, hours: number) =>
  services.dataSource.query(
    `UPDATE approval a SET last_asked_at = a.last_asked_at - make_interval(hours => $2), asked_at = a.asked_at - make_interval(hours => $2)
     FROM agent g WHERE g.id = a.agent_id AND g.name = $1`,
    [agent, hours],
  );

describe('an agent that asks a lot', () => {
  it('may ask again when a day has passed over fifty things that nobody decided, for fifty at once', async () => {
    const ask = await agentAsking('lapsed');
    await refused(...fifty(ask));
    await makeOld('lapsed', 25);
    await refused(...fifty(ask, 'new'));
    expect(await pendingOf('lapsed')).toBe(50);
    await refused(...fifty(ask));
    expect(await pendingOf('lapsed')).toBe(50);
    expect(await mine('lapsed')).toHaveLength(100);
  });

  it('keeps no other from asking', async () => {
    const [loud, quiet] = [await agentAsking('loud'), await agentAsking('quiet')];
    await refused(...Array.from({ length: 2_000 }, (_, index) => loud(`/pay/${index}`)), quiet());
    expect([await pendingOf('loud'), await pendingOf('quiet')]).toEqual([50, 1]);
  });

  it('has its policy opened once for all that is written at once', async () => {
    const found = vi.spyOn(services.dataSource.manager, 'findOneBy');
    try {
      await refused(...fifty(await agentAsking('opened')));
      expect(found.mock.calls.filter(([, where]) => 'name' in where && where.name === 'of-opened')).toHaveLength(1);
    } finally {
      found.mockRestore();
    }
  });

  it('is written one by one: what waits for a decision under way holds nothing else', async () => {
    const ask = await agentAsking('held');
    await refused(ask('/pay/held'));
    const { id } = await only('held');
    await refused(ask('/pay/free'));
    intake.count([ask('/pay/free'), ask('/pay/held')]);
    await whileHeld(id, async (release) => {
      const writing = intake.write();
      const asks = async () => (await mine('held')).map((one) => `${one.path}: ${one.asks}`).toSorted();
      await expect.poll(asks).toEqual(['/pay/free: 2', '/pay/held: 1']);
      await release();
      await writing;
    });
    expect((await approvals.get(owner, id)).asks).toBe(2);
  });
});

describe('what is asked for', () => {
  it('is none of a rule that took the place of the one that asked', async () => {
    const ask = await agentAsking('moved');
    for (const other of [{ hosts: ['other.example.com'] }, { paths: ['/other'] }, { methods: ['GET'] }]) {
      await replaced('moved', { ...asking, ...other });
      await refused(ask(), ask('/pay/%'));
    }
    await replaced('moved', { ...asking, hosts: [`${host}:8443`] });
    await refused(ask());
    expect(await mine('moved')).toEqual([]);
    await refused(ask('/%70ay/1', { port: 8443 }));
    expect((await only('moved')).path).toBe('/%70ay/1');
  });

  it('is of the rule that a worker knew, also where the event does not tell all that the rule covers', async () => {
    const ask = await agentAsking('known');
    const { revision } = await replaced('known', {
      ...asking,
      methods: ['DELETE'],
    });
    await refused(ask('/pay/1', { revision: revision - 1 }));
    expect(await mine('known')).toEqual([]);
    await refused(ask('/pay/1', { revision }));
    expect((await only('known')).method).toBe('POST');
  });

  it('is shown under the place that the rule has now', async () => {
    const ask = await agentAsking('place');
    await refused(ask());
    await replaced('place', { hosts: ['first.example.com'] }, asking);
    await refused(ask('/pay/1', { rule: 'of-place/rules/1' }));
    expect(await only('place')).toMatchObject({
      asks: 2,
      rule: 'of-place/rules/1',
    });
  });

  it('does not become another thing under the same id, when its row was altered', async () => {
    const ask = await agentAsking('swapped');
    await refused(ask('/pay/a'));
    await refused(ask('/pay/b'));
    const before = (await mine('swapped')).map(({ id, path }) => [id, path]);
    const swap = (from: string, to: string) =>
      services.dataSource.query('UPDATE approval SET fingerprint = $2 WHERE fingerprint = $1', [
        Buffer.from(from, 'hex'),
        Buffer.from(to, 'hex'),
      ]);
    const prints: { fingerprint: Buffer }[] = await services.dataSource.query(
      'SELECT fingerprint FROM approval WHERE id = ANY ($1)',
      [before.map(([id]) => id)],
    );
    const [one = '', other = ''] = prints.map(({ fingerprint }) => fingerprint.toString('hex'));
    for (const [from, to] of [
      [one, '00'],
      [other, one],
      ['00', other],
    ] as const)
      await swap(from, to);
    await refused(ask('/pay/a'), ask('/pay/b'));
    expect((await mine('swapped')).map(({ id, path }) => [id, path])).toEqual(before);
  });

  it('is kept once, however many processes keep it at the same time', async () => {
    const ask = await agentAsking('raced');
    const [one, other] = [newIntake(), newIntake()];
    const manager = services.dataSource.manager;
    const query = manager.query.bind(manager) as EntityManager['query'];
    const looks: (() => void)[] = [];
    const spy = vi.spyOn(manager, 'query').mockImplementation(async (text: string, parameters?: object) => {
      const rows: unknown = await query(text, parameters as unknown[]);
      if (/^SELECT.*WHERE fingerprint/.test(text) && looks.length < 2) {
        await new Promise<void>((done) => {
          looks.push(done);
          if (looks.length === 2) looks.forEach((resume) => resume());
        });
      }
      return rows;
    });
    try {
      for (const each of [one, other]) each.count([ask()]);
      expect(await Promise.all([one.write(), other.write()])).toEqual([true, true]);
    } finally {
      spy.mockRestore();
    }
    expect((await only('raced')).asks).toBe(2);
  });

  it('is no later than it came, whatever the clock of the worker says', async () => {
    const ask = await agentAsking('fast');
    await refused(ask());
    const { id } = await only('fast');
    await approvals.deny(owner, id);
    await refused(ask('/pay/1', { timeMs: Date.now() + 7_200_000 }));
    expect((await approvals.get(owner, id)).state).toBe('DENIED');
  });
});

describe('the intake', () => {
  it('goes on beside a policy that does not open, and says so once', async () => {
    const [ask, other] = [await agentAsking('altered'), await agentAsking('whole')];
    await services.dataSource.query(`UPDATE policy SET sealed_body = sealed_body || '\\x00' WHERE name = 'of-altered'`);
    for (let write = 0; write < 2; write++) await refused(ask(), other());
    expect([await mine('altered'), (await only('whole')).asks, warnings.length]).toEqual([[], 2, 1]);
  });

  it('counts nothing twice when what is old cannot be removed', async () => {
    const ask = await agentAsking('twice');
    const spy = beforeDrop(() => Promise.reject(new Error('away')));
    await refused(ask());
    spy.mockRestore();
    await intake.write();
    expect([(await only('twice')).asks, warnings.length]).toEqual([1, 1]);
  });

  it('writes later what it cannot write now', async () => {
    const ask = await agentAsking('later');
    const spy = vi.spyOn(services.dataSource.manager, 'query').mockRejectedValue(new Error('away'));
    await refused(ask(), ask('/pay/2'));
    spy.mockRestore();
    expect([await mine('later'), warnings.length]).toEqual([[], 1]);
    await intake.write();
    expect((await mine('later')).map(({ asks }) => asks)).toEqual([1, 1]);
  });

  it('ends with what waits written, also what came while it wrote', async () => {
    const ask = await agentAsking('closing');
    const spy = beforeDrop(async () => intake.count([ask(), ask('/pay/late')]));
    intake.count([ask()]);
    void intake.write();
    intake.count([ask()]);
    await intake.close();
    spy.mockRestore();
    const asks = (await mine('closing')).map((one) => `${one.path}: ${one.asks}`);
    expect(asks.toSorted()).toEqual(['/pay/1: 3', '/pay/late: 1']);
  });

  it('removes what was asked for a month ago, also when nobody asks any more', async () => {
    await refused((await agentAsking('old'))());
    await makeOld('old', 31 * 24);
    const started = newIntake();
    const kept = "SELECT FROM approval a JOIN agent g ON g.id = a.agent_id WHERE g.name = 'old'";
    expect(await services.dataSource.query(kept)).toHaveLength(1);
    started.start();
    await expect.poll(() => services.dataSource.query(kept)).toEqual([]);
    await started.close();
  });
});
