import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../../test/support/fresh-database.ts';
import { openServices } from '../../database/testing/open-services.ts';
import { LoginLimiter } from './login-limiter.ts';

let services: Awaited<ReturnType<typeof openServices>>;
let database: DataSource;
beforeAll(async () => {
  services = await openServices(await freshDatabase());
  database = services.dataSource;
});
afterAll(() => services.close());
beforeEach(() => database.query('TRUNCATE login_limit'));

const open = () => new LoginLimiter(database, { triesPerPair: 3, triesPerAddress: 5, triesPerUser: 6 });
const tooMany = { code: 'TOO_MANY_LOGINS' };

describe('LoginLimiter', () => {
  it('refuses a user from one address after so many failed tries, and neither another user nor another address', async () => {
    const limiter = open();
    for (let i = 0; i < 3; i++) await limiter.count('10.0.0.1', 'admin');
    await expect(limiter.count('10.0.0.1', 'admin')).rejects.toMatchObject(tooMany);
    await limiter.count('10.0.0.1', 'other');
    await limiter.count('10.0.0.2', 'admin');
  });

  it('refuses an address that tries one user after the other', async () => {
    const limiter = open();
    for (let i = 0; i < 5; i++) await limiter.count('10.0.0.1', `user${i}`);
    await expect(limiter.count('10.0.0.1', 'user9')).rejects.toMatchObject(tooMany);
  });

  it('refuses guesses at one user from ever other addresses, and lets that user in where he signed in before', async () => {
    const limiter = open();
    await limiter.remember('10.0.0.9', 'admin');
    for (let i = 0; i < 6; i++) await limiter.count(`10.0.1.${i}`, 'admin');
    await expect(limiter.count('10.0.1.99', 'admin')).rejects.toMatchObject(tooMany);
    await expect(limiter.count('10.0.0.9', 'admin')).resolves.toBeUndefined();
    await expect(limiter.count('10.0.1.99', 'other')).resolves.toBeUndefined();
  });

  it('takes the addresses of one IPv6 network for one, however they are written', async () => {
    const limiter = open();
    const one = ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::', '2001:DB8::a:b:c:d', '2001:db8:0:0:1:2:3:4'];
    for (const [index, address] of one.entries()) await limiter.count(address, `u${index}`);
    await expect(limiter.count('2001:db8::9', 'v')).rejects.toMatchObject(tooMany);
    await limiter.count('2001:db8:0:1::9', 'v');
  });

  it('counts failures alone', async () => {
    const limiter = open();
    for (let i = 0; i < 20; i++) {
      await limiter.count('10.0.0.1', 'admin');
      await limiter.uncount('10.0.0.1', 'admin');
    }
  });

  it('forgets nothing over a restart, and what is over when it sweeps', async () => {
    const limiter = open();
    for (let i = 0; i < 3; i++) await limiter.count('10.0.0.1', 'admin');
    await expect(open().count('10.0.0.1', 'admin')).rejects.toMatchObject(tooMany);
    await database.query('UPDATE login_limit SET expire = 1');
    await limiter.sweep();
    expect(await database.query('SELECT * FROM login_limit')).toEqual([]);
    await limiter.count('10.0.0.1', 'admin');
  });
});
