import { afterEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../test/support/fresh-database.ts';
import { keepAdminEvents } from '../audit/trail/admin-entries.ts';
import { openTrail, textOf, verify, verifyByScript } from '../audit/trail/testing/open-trail.ts';
import { owner } from '../database/testing/open-services.ts';
import { BackupService } from './backup.service.ts';
import { restoreBackup } from './restore-backup.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe('the trail after a restore', () => {
  it.each([
    ['that of the backup', true, 2],
    ['the one that stayed', false, 3],
  ])('goes on with the event of it, and verifies: %s', async (_which, audit, waiting) => {
    const trail = await openTrail(await freshDatabase());
    ends.push(() => trail.close());
    const { dataSource, change, keys, master, agents } = trail.services;
    const put = () => keepAdminEvents(dataSource, keys.keyring, trail.macKey);
    await agents.create(owner, { name: 'before' });
    expect(await put()).toBe(1);
    await trail.signer.sign(0);
    const pieces: Buffer[] = [];
    const backups = new BackupService(dataSource, change, keys, master);
    for await (const piece of await backups.create(owner, { audit })) pieces.push(piece);
    await agents.create(owner, { name: 'since' });
    await restoreBackup(dataSource, {
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
    expect(await put()).toBe(waiting);
    await trail.signer.sign(0);
    const lines = await trail.lines();
    expect(verify(lines, { macKey: trail.macKey })).toMatchObject({ isSound: true, areMacsChecked: true });
    expect((await verifyByScript(textOf(lines), { macKey: trail.macKey })).isSound).toBe(true);
    expect(textOf(lines)).toContain('backup:restore');
  });
});
