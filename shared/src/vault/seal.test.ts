import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bindingHash } from './binding-hash.ts';
import { Keyring } from './keyring.ts';
import { MasterKey } from './master-key.ts';
import { type SealContext, open, rewrap, seal, termOf } from './seal.ts';

const INSTANCE = '0192f0c1-2b3c-7d4e-8f50-112233445566';
const OTHER_INSTANCE = '0192f0c1-2b3c-7d4e-8f50-112233445567';
const master = MasterKey.fromHex('0f'.repeat(32));
const { keyring, wrappedTerm } = Keyring.create(master, INSTANCE);
const newerTerm = { ...keyring.wrapNewTerm(), isActive: true };
const newer = Keyring.open(master, INSTANCE, [wrappedTerm, newerTerm]);

const context: SealContext = {
  table: 'secret_version',
  column: 'sealed_value',
  rowId: '6b1d',
  version: 3,
  bindingHash: bindingHash({ hosts: ['api.openai.com'], surfaces: ['header'] }),
};
const CANARY = 'sk-canary-7f3a';
const sealed = seal(keyring, context, Buffer.from(CANARY));

const fault = (code: string) => expect.objectContaining({ name: 'VaultFault', code }) as Error;

describe('seal', () => {
  it.each([0, 1, 15, 16, 17, 4096, 1_000_000])('gives back %i bytes as they were', (size) => {
    const plaintext = Buffer.alloc(size, 0xa5);
    const blob = seal(keyring, context, plaintext);
    expect(blob.length).toBe(size + 93);
    expect(open(keyring, context, blob).equals(plaintext)).toBe(true);
  });

  it('gives a different blob each time, in its data key and in its value', () => {
    const again = seal(keyring, context, Buffer.from(CANARY));
    expect(again.subarray(5, 65).equals(sealed.subarray(5, 65))).toBe(false);
    expect(again.subarray(65).equals(sealed.subarray(65))).toBe(false);
  });

  it('does not hold the plaintext', () => {
    expect(sealed.includes(CANARY)).toBe(false);
  });

  it('leaves the plaintext that it was given alone', () => {
    const plaintext = Buffer.from(CANARY);
    seal(keyring, context, plaintext);
    expect(plaintext.toString()).toBe(CANARY);
  });

  it.each([
    ['an empty table', { table: '' }],
    ['an empty column', { column: '' }],
    ['an empty row id', { rowId: '' }],
    ['a row id that is not there yet', { rowId: undefined as unknown as string }],
    ['a negative version', { version: -1 }],
    ['half a version', { version: 0.5 }],
    ['an empty binding hash', { bindingHash: Buffer.alloc(0) }],
  ])('refuses a context with %s', (_name, change) => {
    expect(() => seal(keyring, { ...context, ...change }, Buffer.from(CANARY))).toThrow(fault('BAD_CONTEXT'));
  });
});

describe('open', () => {
  it('refuses a blob with any one bit flipped', () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const isTermBit = bit >= 8 && bit < 40;
      const expected = fault(isTermBit ? 'MISSING_TERM' : 'CANNOT_OPEN');
      expect(() => open(keyring, context, flipped), `bit ${bit}`).toThrow(expected);
    }
  });

  it('refuses a blob cut to any length, from either end, and one that is longer', () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(() => open(keyring, context, sealed.subarray(0, length)), `${length} bytes`).toThrow(fault('CANNOT_OPEN'));
      expect(() => open(keyring, context, sealed.subarray(sealed.length - length))).toThrow();
    }
    expect(() => open(keyring, context, Buffer.concat([sealed, Buffer.of(0)]))).toThrow(fault('CANNOT_OPEN'));
  });

  it.each<[string, Partial<SealContext>]>([
    ['row', { rowId: '6b1e' }],
    ['column', { column: 'sealed_valuf' }],
    ['table', { table: 'policy' }],
    ['version', { version: 4 }],
    ['binding', { bindingHash: bindingHash({ hosts: ['evil.example'], surfaces: ['header'] }) }],
    ['absent binding', { bindingHash: undefined }],
  ])('refuses a ciphertext that was moved to another %s', (_name, change) => {
    expect(() => open(keyring, { ...context, ...change }, sealed)).toThrow(fault('CANNOT_OPEN'));
  });

  it('refuses a ciphertext whose fields run together alike', () => {
    const blob = seal(keyring, { table: 'ab', column: 'c', rowId: 'd', version: 1 }, Buffer.from(CANARY));
    const moved = { table: 'a', column: 'bc', rowId: 'd', version: 1 };
    expect(() => open(keyring, moved, blob)).toThrow(fault('CANNOT_OPEN'));
  });

  it('refuses a ciphertext of another instance, even under the same keys', () => {
    const other = Keyring.create(master, OTHER_INSTANCE).keyring;
    expect(() => open(other, context, sealed)).toThrow(fault('CANNOT_OPEN'));
    const posing: unknown = new Proxy(keyring, {
      get(target, property) {
        if (property === 'instanceId') return OTHER_INSTANCE;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    expect(() => open(posing as Keyring, context, sealed)).toThrow(fault('CANNOT_OPEN'));
  });

  it('refuses the data key of one blob with the value of another', () => {
    const other = seal(keyring, context, Buffer.from(CANARY));
    const mixed = Buffer.concat([sealed.subarray(0, 65), other.subarray(65)]);
    expect(() => open(keyring, context, mixed)).toThrow(fault('CANNOT_OPEN'));
  });

  it('refuses a blob that says another term than the one it was sealed under', () => {
    const relabelled = Buffer.from(sealed);
    relabelled.writeUInt32BE(2, 1);
    expect(() => open(newer, context, relabelled)).toThrow(fault('CANNOT_OPEN'));
  });

  it('names a retired term that is missing', () => {
    const withoutFirst = Keyring.open(master, INSTANCE, [newerTerm]);
    expect(() => open(withoutFirst, context, sealed)).toThrow(fault('MISSING_TERM'));
    expect(() => open(withoutFirst, context, sealed)).toThrow(/Key term 1 .*secret_version/);
  });

  it('names the place and no value in its refusal, and keeps the cause', () => {
    const tampered = Buffer.from(sealed);
    tampered.writeUInt8(tampered.readUInt8(70) ^ 1, 70);
    let caught: unknown;
    try {
      open(keyring, context, tampered);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({
      code: 'CANNOT_OPEN',
      message: expect.stringContaining('secret_version.sealed_value of row 6b1d, version 3') as string,
      cause: expect.any(Error) as Error,
    });
    expect(inspect(caught, { depth: 9, showHidden: true })).not.toContain('canary');
  });

  it('opens what this format has always been', () => {
    const wrappedKey = Buffer.from(
      '6daae8e43c69d74c08c9fd5271e3860493e0562c1df5e3e82b4360c804ee1c7c9309638207948e42a26968e621f8286f' +
        '0ea868392dcd32f287ca1152',
      'hex',
    );
    const blob = Buffer.from(
      '0100000001668eb2fa1157463643c32b81142a6337674a254b0c0004dc4b188b8f6783f563412e14d371629c55cf29de' +
        '3b9ac0ff53b70be6a30579ba5c40fcc6482fc0db50dddaf91cd2c188a5e9ee5fb37a0776e2fd2df6760cf323ac8c7959' +
        '67410c12ec5b237bdd',
      'hex',
    );
    const stored = Keyring.open(master, INSTANCE, [{ term: 1, wrappedKey, isActive: true }]);
    expect(open(stored, context, blob).toString()).toBe('golden value');
  });
});

describe('rewrap', () => {
  it('moves a value to the current term and keeps it whole', () => {
    const moved = rewrap(newer, context, sealed);
    expect([termOf(sealed), termOf(moved)]).toEqual([1, 2]);
    expect(moved.length).toBe(sealed.length);
    const withoutFirst = Keyring.open(master, INSTANCE, [newerTerm]);
    expect(open(withoutFirst, context, moved).toString()).toBe(CANARY);
  });

  it('never writes the same nonce again under the kept data key', () => {
    expect(rewrap(newer, context, sealed).subarray(65, 77).equals(sealed.subarray(65, 77))).toBe(false);
  });

  it('keeps the place', () => {
    const moved = rewrap(newer, context, sealed);
    expect(() => open(newer, { ...context, rowId: 'other' }, moved)).toThrow(fault('CANNOT_OPEN'));
  });

  it('refuses an altered value instead of carrying it over', () => {
    const tampered = Buffer.from(sealed);
    tampered.writeUInt8(tampered.readUInt8(tampered.length - 1) ^ 1, tampered.length - 1);
    expect(() => rewrap(newer, context, tampered)).toThrow(fault('CANNOT_OPEN'));
  });

  it('refuses a wrong place and a missing term', () => {
    expect(() => rewrap(newer, { ...context, version: 9 }, sealed)).toThrow(fault('CANNOT_OPEN'));
    const withoutFirst = Keyring.open(master, INSTANCE, [newerTerm]);
    expect(() => rewrap(withoutFirst, context, sealed)).toThrow(fault('MISSING_TERM'));
  });

  it('works after both terms were stored and read again', () => {
    const reopened = Keyring.open(master, INSTANCE, [wrappedTerm, newerTerm]);
    expect(open(reopened, context, rewrap(reopened, context, sealed)).toString()).toBe(CANARY);
  });
});
