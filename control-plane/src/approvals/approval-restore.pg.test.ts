import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { BackupService } from '../backup/backup.service.ts';
import { restoreBackup } from '../backup/restore-backup.ts';
import { openServices, owner } from '../database/testing/open-services.ts';
import { ApprovalIntake } from './approval-intake.ts';
import { ApprovalService } from './approval.service.ts';
import { refusedEvent } from './testing/ask.ts';

let services: Awaited<ReturnType<typeof openServices>>;
beforeAll(async () => {
  services = await openServices(await freshDatabase());
});
afterAll(() => services.close());

it('is brought back by no restore: it may have been ended since', async () => {
  const { dataSource: database, change, keys, master, policies, agents } = services;
  const approvals = new ApprovalService({ database, change, keys, policies });
  const intake = new ApprovalIntake({ database, keys, log: { warn: (fields) => console.error(fields) } });
  const { object: agent } = await agents.create(owner, { name: 'bot' });
  const allow = { hosts: ['api.example.com'], approval: true };
  await policies.create(owner, { name: 'of-bot', agents: ['bot'], rules: [{ allow }] });
  intake.count([refusedEvent('bot', agent.id)]);
  await intake.write();
  const [asked] = (await approvals.list(owner, {})).items;
  const id = asked?.approval.id ?? '';
  await approvals.approve(owner, id, { wholeRule: true });
  const pieces: Buffer[] = [];
  const backups = new BackupService(database, change, keys, master);
  for await (const piece of await backups.create(owner, { audit: false })) pieces.push(piece);
  await approvals.end(owner, id);
  const names = async () =>
    (await database.query<{ name: string }[]>('SELECT name FROM policy ORDER BY name')).map(({ name }) => name);
  expect(await names()).toEqual(['of-bot']);
  await restoreBackup(database, {
    file: (async function* () {
      yield* pieces;
    })(),
    master,
    passphrase: undefined,
    destroyedFile: undefined,
    acceptsRevival: false,
    isReplacing: true,
    isConfirmed: false,
  });
  expect(await names()).toEqual(['of-bot']);
  expect((await approvals.list(owner, {})).items).toEqual([]);
});
