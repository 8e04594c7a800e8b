import { createHmac, hkdfSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { keyCheckValue, verifyKeyCheck } from './key-check.ts';
import { MasterKey, type Purpose } from './master-key.ts';

const HEX = '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0';
const INSTANCE = '0192f0c1-2b3c-7d4e-8f50-112233445566';
const OTHER_INSTANCE = '0192f0c1-2b3c-7d4e-8f50-112233445567';
const master = MasterKey.fromHex(HEX);

const bytesFrom = (first: number, last: number) =>
  Buffer.from(Array.from({ length: last - first + 1 }, (_, index) => first + index));

function hmac(key: Buffer, data: Buffer): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

describe('HKDF-SHA256', () => {
  it.each([
    {
      name: 'A.1',
      key: Buffer.alloc(22, 0x0b),
      salt: bytesFrom(0x00, 0x0c),
      info: bytesFrom(0xf0, 0xf9),
      okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      name: 'A.2',
      key: bytesFrom(0x00, 0x4f),
      salt: bytesFrom(0x60, 0xaf),
      info: bytesFrom(0xb0, 0xff),
      okm:
        'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c' +
        '59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    },
    {
      name: 'A.3',
      key: Buffer.alloc(22, 0x0b),
      salt: Buffer.alloc(0),
      info: Buffer.alloc(0),
      okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    },
  ])('agrees with RFC 5869 $name', ({ key, salt, info, okm }) => {
    expect(Buffer.from(hkdfSync('sha256', key, salt, info, okm.length / 2)).toString('hex')).toBe(okm);
  });
});

describe('MasterKey', () => {
  it('derives by extract and expand, salted with the instance and labelled with the purpose', () => {
    const extracted = hmac(Buffer.from(INSTANCE.replaceAll('-', ''), 'hex'), Buffer.from(HEX, 'hex'));
    const expanded = hmac(extracted, Buffer.concat([Buffer.from('onecli/v1/audit-mac'), Buffer.of(1)]));
    expect(master.derive('audit-mac', INSTANCE)).toEqual(expanded);
  });

  it('gives each purpose and each instance a key of its own', () => {
    const purposes: Record<Purpose, true> = {
      'key-wrapping': true,
      'key-check': true,
      'audit-mac': true,
      'audit-spool': true,
      'audit-signing': true,
      'audit-detail': true,
      'snapshot-file': true,
      'bus-mac': true,
      'token-pepper': true,
      fingerprint: true,
      'audit-queue': true,
      epoch: true,
      destroyed: true,
      'tls-tickets': true,
      'row-mac': true,
      backup: true,
    };
    const keys = (Object.keys(purposes) as Purpose[]).flatMap((purpose) => [
      master.derive(purpose, INSTANCE).toString('hex'),
      master.derive(purpose, OTHER_INSTANCE).toString('hex'),
    ]);
    expect(keys.length).toBe(2 * Object.keys(purposes).length);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every((key) => key.length === 64)).toBe(true);
  });

  it('takes an instance id in either case for the same instance', () => {
    expect(master.derive('bus-mac', INSTANCE.toUpperCase())).toEqual(master.derive('bus-mac', INSTANCE));
  });

  it.each(['', 'not-a-uuid', INSTANCE.replaceAll('-', ''), `${INSTANCE}\n`])('refuses the instance id %j', (id) => {
    expect(() => master.derive('bus-mac', id)).toThrow(expect.objectContaining({ code: 'BAD_INSTANCE_ID' }));
  });

  it.each([
    ['nothing', ''],
    ['63 digits', HEX.slice(1)],
    ['65 digits', `${HEX}0`],
    ['a letter that is no digit', `g${HEX.slice(1)}`],
    ['a line break at the end', `${HEX}\n`],
    ['a prefix', `0x${HEX.slice(2)}`],
  ])('refuses %s and does not repeat the value', (_name, value) => {
    let message = '';
    try {
      MasterKey.fromHex(value);
    } catch (fault) {
      expect(fault).toMatchObject({ name: 'VaultFault', code: 'BAD_MASTER_KEY' });
      message = inspect(fault);
    }
    expect(message).toContain('64 hexadecimal digits');
    expect(message).not.toContain(HEX.slice(2, 12));
  });

  it('takes upper-case digits for the same key', () => {
    expect(MasterKey.fromHex(HEX.toUpperCase()).derive('bus-mac', INSTANCE)).toEqual(
      master.derive('bus-mac', INSTANCE),
    );
  });

  it('does not print', () => {
    expect(String(master)).toBe('[master key]');
    expect(JSON.stringify([master])).toBe('["[master key]"]');
    expect(inspect({ master }, { showHidden: true })).toBe('{ master: [master key] }');
    expect(Reflect.ownKeys(structuredClone(master))).toEqual([]);
  });
});

describe('key check value', () => {
  const stored = keyCheckValue(master, INSTANCE);

  it('accepts the right master key', () => {
    expect(stored).toHaveLength(32);
    expect(verifyKeyCheck(MasterKey.fromHex(HEX), INSTANCE, stored)).toBe(true);
  });

  it('refuses a master key that differs in one bit', () => {
    const almost = `${HEX.slice(0, 63)}1`;
    expect(verifyKeyCheck(MasterKey.fromHex(almost), INSTANCE, stored)).toBe(false);
  });

  it('refuses the right master key on the data of another instance', () => {
    expect(verifyKeyCheck(master, OTHER_INSTANCE, stored)).toBe(false);
  });

  it('refuses a stored value that is cut, empty or altered', () => {
    expect(verifyKeyCheck(master, INSTANCE, stored.subarray(0, 31))).toBe(false);
    expect(verifyKeyCheck(master, INSTANCE, Buffer.alloc(0))).toBe(false);
    const altered = Buffer.from(stored);
    altered.writeUInt8(altered.readUInt8(0) ^ 1, 0);
    expect(verifyKeyCheck(master, INSTANCE, altered)).toBe(false);
  });

  it('stays what it has always been', () => {
    const known = Buffer.from('4c9272588ea4b78dbc5e7bfbed46c07b8022739df4ec3ec55a9d2e21a8ed477f', 'hex');
    expect(verifyKeyCheck(MasterKey.fromHex('0f'.repeat(32)), INSTANCE, known)).toBe(true);
  });

  it('is not a key that anything else uses', () => {
    expect(stored.equals(master.derive('key-check', INSTANCE))).toBe(false);
  });
});
