import { describe, expect, it } from 'vitest';
import { readRedisSettings } from './redis-settings.ts';

const settingsOf = (given: Parameters<typeof readRedisSettings>[0]) => {
  const read = readRedisSettings(given);
  return read.kind === 'settings' ? read.settings : read.faults;
};

describe('readRedisSettings', () => {
  it('means no Redis without a URL, and says so when only the rest is there', () => {
    expect(settingsOf({ REDIS_URL: '' })).toBeUndefined();
    expect(settingsOf({ REDIS_MODE: 'cluster', REDIS_CA_FILE: '/x' })).toEqual([
      'REDIS_MODE: is set without REDIS_URL',
      'REDIS_CA_FILE: is set without REDIS_URL',
    ]);
  });

  it('reads user, password, host, port and database', () => {
    expect(settingsOf({ REDIS_URL: 'redis://me:p%40ss%2F@redis.corp:6380/3' })).toMatchObject({
      mode: 'single',
      hosts: [{ host: 'redis.corp', port: 6380 }],
      username: 'me',
      password: 'p@ss/',
      database: 3,
      isTls: false,
    });
    expect(settingsOf({ REDIS_URL: 'rediss://:secret@[::1]' })).toMatchObject({
      hosts: [{ host: '::1', port: 6379 }],
      username: undefined,
      password: 'secret',
      isTls: true,
    });
  });

  it('reads several hosts of sentinels and of a cluster', () => {
    const sentinels = { REDIS_URL: 'redis://s1,s2:26380', REDIS_MODE: 'sentinel', REDIS_SENTINEL_NAME: 'main' };
    expect(settingsOf(sentinels)).toMatchObject({
      mode: 'sentinel',
      hosts: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 26_380 },
      ],
      sentinelName: 'main',
    });
    expect(settingsOf({ REDIS_URL: 'redis://c1:7000, c2:7001', REDIS_MODE: 'cluster' })).toMatchObject({
      mode: 'cluster',
      hosts: [
        { host: 'c1', port: 7000 },
        { host: 'c2', port: 7001 },
      ],
    });
  });

  it.each([
    ['http://redis', {}, 'REDIS_URL: expected redis://'],
    ['redis://', {}, 'REDIS_URL: expected redis://'],
    ['redis://host:0', {}, 'REDIS_URL: expected redis://'],
    ['redis://host:70000', {}, 'REDIS_URL: expected redis://'],
    ['redis://u:p@ss@host', {}, 'REDIS_URL: expected redis://'],
    ['redis://u:%zz@host', {}, 'REDIS_URL: expected redis://'],
    ['redis://host/db', {}, 'REDIS_URL: expected redis://'],
    ['redis://a,b', {}, 'REDIS_URL: several hosts need REDIS_MODE'],
    ['redis://a', { REDIS_MODE: 'ring' }, 'REDIS_MODE: expected one of single, sentinel, cluster'],
    ['redis://a', { REDIS_MODE: 'sentinel' }, 'REDIS_SENTINEL_NAME: expected the name'],
    ['redis://a/1', { REDIS_MODE: 'cluster' }, 'REDIS_URL: a cluster has no databases but 0'],
    ['redis://a', { REDIS_SENTINEL_NAME: 'm' }, 'REDIS_SENTINEL_NAME: is for REDIS_MODE=sentinel'],
    ['redis://a', { REDIS_CA_FILE: '/x' }, 'REDIS_CA_FILE: '],
    ['rediss://a', { REDIS_CA_FILE: '/nowhere' }, 'REDIS_CA_FILE: expected a readable PEM file'],
  ])('refuses %s with %j, and names the variable and never its value', (url, more, fault) => {
    const faults = settingsOf({ REDIS_URL: url, ...more });
    expect(faults).toEqual(expect.arrayContaining([expect.stringContaining(fault)]));
    expect(JSON.stringify(faults)).not.toContain('p@ss');
  });
});
