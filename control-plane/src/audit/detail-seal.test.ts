import { randomUUID } from 'node:crypto';
import { Keyring } from '@onecli/shared/vault/keyring';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { describe, expect, it } from 'vitest';
import { DetailOpener, sealDetails } from './detail-seal.ts';

const master = MasterKey.fromHex('5c'.repeat(32));
const { keyring, wrappedTerm } = Keyring.create(master, randomUUID());

function sealedAll(by: Keyring, details: readonly (readonly [eventId: string, text: string])[]): Buffer[] {
  return sealDetails(
    by,
    details.map(([eventId, text]) => ({ eventId, text })),
  ).map((hex) => Buffer.from(hex, 'hex'));
}

function sealed(by: Keyring, eventId: string, detail: string): Buffer {
  return sealedAll(by, [[eventId, detail]])[0] ?? Buffer.of();
}

describe('DetailOpener', () => {
  it('gives back each detail of a batch for its own event', () => {
    const details = ['', '{"path":"/v1"}', 'x'.repeat(16), '\u{1f511} of any length '.repeat(300), '', 'last'];
    const rows = sealedAll(
      keyring,
      details.map((detail, index) => [`w-${index}`, detail]),
    );
    const opener = new DetailOpener(keyring);
    expect(rows.map((row, index) => opener.open(`w-${index}`, row))).toEqual(details);
  });

  it("does not open one event's detail as another's, of the same batch or of another", () => {
    const opener = new DetailOpener(keyring);
    const [one = Buffer.of(), two = Buffer.of()] = sealedAll(keyring, [
      ['w-1', 'x'],
      ['w-2', 'y'],
    ]);
    expect(() => opener.open('w-2', one)).toThrow('Cannot open');
    expect(() => opener.open('w-1', two)).toThrow('Cannot open');
    expect(() => opener.open('w-1', sealed(keyring, 'w-2', 'x'))).toThrow('Cannot open');
    // The end of an id is not the beginning of what follows it.
    expect(() => opener.open('w-', one)).toThrow('Cannot open');
  });

  it('refuses a detail of which any bit was flipped, or that was cut', () => {
    const row = sealed(keyring, 'w-1', 'detail');
    const opener = new DetailOpener(keyring);
    for (let bit = 0; bit < row.length * 8; bit++) {
      const altered = Buffer.from(row);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => opener.open('w-1', altered)).toThrow();
    }
    for (let length = 0; length < row.length; length++) {
      expect(() => opener.open('w-1', row.subarray(0, length))).toThrow('Cannot open');
    }
  });

  it('opens what an earlier term sealed, and names a term that is missing', () => {
    const row = sealed(keyring, 'w-1', 'early');
    const newer = { ...keyring.wrapNewTerm(), isActive: true };
    const later = Keyring.open(master, keyring.instanceId, [wrappedTerm, newer]);
    expect(new DetailOpener(later).open('w-1', row)).toBe('early');
    const late = sealed(later, 'w-1', 'late');
    expect(() => new DetailOpener(keyring).open('w-1', late)).toThrow('Key term 2 is not in the keyring');
  });

  it('opens what was sealed as it was before, each by a cipher of its own', () => {
    const wrappedKey = Buffer.from(
      'b57763f8dbe8fa2634e7e331049567208e1c7884ef12cb53af732d71c731f74f29787c5f6251a067ba81898e838dd6a4465aaf37da256b6e0904aa9f',
      'hex',
    );
    const early = Keyring.open(master, '0b6f0d3e-6f0f-4d2e-9f55-0c5f6d6d7a01', [
      { term: 1, wrappedKey, isActive: true },
    ]);
    const rows = [
      '0300000001d69d7204dcbd58f596bf4ee251245d0300000000e3535c53f754cb1076b81bd087a4e11f6f8c4566a2bccc2059e3c47286e08dfb52a3bd47a9651bf415aa34f9',
      '0300000001d69d7204dcbd58f596bf4ee251245d0300000001b61701adc0c2b5f5587656e583be2b158bef',
    ].map((hex) => Buffer.from(hex, 'hex'));
    const opener = new DetailOpener(early);
    expect(rows.map((row, at) => opener.open(`w-${at}`, row))).toEqual(['{"path":"/v1","findings":[]}', 'ü']);
    const [first = Buffer.of()] = rows;
    expect(() => opener.open('w-1', first)).toThrow('Cannot open');
    expect(() => opener.open('w-0', Buffer.concat([Buffer.of(4), first.subarray(1)]))).toThrow('Cannot open');
  });

  it('opens nothing of another instance with the same term', () => {
    const row = sealed(keyring, 'w-1', 'detail');
    const { keyring: other } = Keyring.create(master, randomUUID());
    expect(() => new DetailOpener(other).open('w-1', row)).toThrow('Cannot open');
  });
});

describe('sealDetails', () => {
  it('never gives the same bytes for the same detail', () => {
    const one = sealedAll(keyring, [
      ['w-1', 'same'],
      ['w-1', 'same'],
      ['w-1', ''],
      ['w-1', ''],
    ]);
    const other = sealedAll(keyring, [
      ['w-1', 'same'],
      ['w-1', ''],
    ]);
    expect(new Set([...one, ...other].map((row) => row.toString('hex'))).size).toBe(6);
  });

  it('takes no two details of a batch by the same part of the key stream', () => {
    const zeros = '\0'.repeat(40);
    const rows = sealedAll(
      keyring,
      Array.from({ length: 50 }, (_, at) => [`w-${at}`, zeros.slice(0, at % 41)]),
    );
    const blocks = rows.flatMap((row) => {
      const ciphertext = row.subarray(25, -16);
      return Array.from({ length: Math.floor(ciphertext.length / 16) }, (_, at) =>
        ciphertext.toString('hex', 16 * at, 16 * at + 16),
      );
    });
    expect(new Set(blocks).size).toBe(blocks.length);
    expect(blocks.length).toBeGreaterThan(30);
  });
});
