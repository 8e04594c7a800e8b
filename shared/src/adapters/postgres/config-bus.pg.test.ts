import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { configBusContract, Listener } from '../../ports/config-bus.contract.ts';
import { PostgresConfigBus } from './config-bus.ts';

configBusContract('PostgresConfigBus', async () => {
  const options = { connectionString: await freshDatabase(), key: randomBytes(32) };
  return { connect: () => new PostgresConfigBus(options) };
});

describe('PostgresConfigBus', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  async function openBus() {
    const connectionString = await freshDatabase();
    const bus = new PostgresConfigBus({ connectionString, key: randomBytes(32) });
    const outsider = new Client({ connectionString });
    await outsider.connect();
    ends.push(
      () => bus.close(),
      () => outsider.end(),
    );
    const listener = new Listener(bus);
    await listener.isListening(bus);
    return { bus, outsider, listener, connectionString };
  }

  it('ignores an announcement that does not carry its key', async () => {
    const { bus, outsider, listener, connectionString } = await openBus();
    const forger = new PostgresConfigBus({ connectionString, key: randomBytes(32) });
    ends.push(() => forger.close());
    await forger.announce(900);
    const overheard: string[] = [];
    outsider.on('notification', ({ payload }) => overheard.push(payload ?? ''));
    await outsider.query('LISTEN onecli_config');
    await bus.announce(7);
    await listener.hears(7);
    await outsider.query('SELECT 1');
    const [authentic = ''] = overheard;
    const forgeries = [
      '901',
      '901:',
      `901:${authentic.split(':')[1]}`,
      `07:${authentic.split(':')[1]}`,
      `${authentic} `,
      'x'.repeat(7000),
    ];
    for (const payload of forgeries) await outsider.query('SELECT pg_notify($1, $2)', ['onecli_config', payload]);
    await bus.announce(8);
    await listener.hears(8);
    expect(listener.heard.filter((revision) => revision > 0)).toEqual([7, 8]);
  });

  it('says nothing but the number and its authentication code', async () => {
    const { bus, outsider } = await openBus();
    const overheard: string[] = [];
    outsider.on('notification', ({ payload }) => overheard.push(payload ?? ''));
    await outsider.query('LISTEN onecli_config');
    await bus.announce(12);
    await outsider.query('SELECT 1');
    expect(overheard).toEqual([expect.stringMatching(/^12:[0-9a-f]{64}$/)]);
  });

  it('listens again after its connection was cut', async () => {
    const { bus, outsider, listener } = await openBus();
    const { rowCount } = await outsider.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'onecli-bus%'",
    );
    expect(rowCount).toBeGreaterThan(0);
    // The announcer's connection was cut too: its first announcement may find out.
    await bus.announce(1).catch(() => undefined);
    await listener.isListening(bus);
    await bus.announce(33);
    await listener.hears(33);
  });
});
