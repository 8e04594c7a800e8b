import { randomUUID } from 'node:crypto';
import { Keyring } from '@onecli/shared/vault/keyring';
import { MasterKey } from '@onecli/shared/vault/master-key';
import { describe, expect, it } from 'vitest';
import { DetailOpener, DetailSealer, detailOverheadBytes } from './detail-seal.ts';

const master = MasterKey.fromHex('5c'.repeat(32));
const { keyring, wrappedTerm } = Keyring.create(master, randomUUID());

function sealed(sealer: DetailSealer, eventId: string, detail: string): Buffer {
  const target = Buffer.alloc(detailOverheadBytes + Buffer.byteLength(detail));
  expect(sealer.sealInto(target, 0, eventId, detail)).toBe(target.length);
  return target;
}

describe('DetailOpener', () => {
  it('gives back each detail of a batch for its own event', () => {
    const sealer = new DetailSealer(keyring);
    const details = ['', '{"path":"/v1"}', '\u{1f511} of any length '.repeat(300)];
    const rows = details.map((detail, index) => sealed(sealer, `w-${index}`, detail));
    const opener = new DetailOpener(keyring);
    expect(rows.map((row, index) => opener.open(`w-${index}`, row))).toEqual(details);
  });

  it("does not open one event's detail as another's, of the same batch or of another", () => {
    const [one, other] = [new DetailSealer(keyring), new DetailSealer(keyring)];
    const opener = new DetailOpener(keyring);
    expect(() => opener.open('w-2', sealed(one, 'w-1', 'x'))).toThrow('Cannot open');
    expect(() => opener.open('w-1', sealed(other, 'w-2', 'x'))).toThrow('Cannot open');
  });

  it('refuses a detail of which any bit was flipped, or that was cut', () => {
    const row = sealed(new DetailSealer(keyring), 'w-1', 'detail');
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
    const row = sealed(new DetailSealer(keyring), 'w-1', 'early');
    const newer = { ...keyring.wrapNewTerm(), isActive: true };
    const later = Keyring.open(master, keyring.instanceId, [wrappedTerm, newer]);
    expect(new DetailOpener(later).open('w-1', row)).toBe('early');
    const late = sealed(new DetailSealer(later), 'w-1', 'late');
    expect(() => new DetailOpener(keyring).open('w-1', late)).toThrow('Key term 2 is not in the keyring');
  });

  it('opens nothing of another instance with the same term', () => {
    const row = sealed(new DetailSealer(keyring), 'w-1', 'detail');
    const { keyring: other } = Keyring.create(master, randomUUID());
    expect(() => new DetailOpener(other).open('w-1', row)).toThrow('Cannot open');
  });
});

describe('DetailSealer', () => {
  it('never gives the same bytes for the same detail', () => {
    const sealer = new DetailSealer(keyring);
    const rows = [sealer, sealer, new DetailSealer(keyring)].map((one) => sealed(one, 'w-1', 'same').toString('hex'));
    expect(new Set(rows).size).toBe(3);
  });
});
