import { describe, expect, it } from 'vitest';
import { decrypt, encrypt, encryptWithNonce } from './aes-gcm.ts';

const KEY = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308';
const NONCE = 'cafebabefacedbaddecaf888';
const PLAINTEXT =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
  '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
const CIPHERTEXT =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
  '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';

// McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", appendix B, the cases with a 256-bit key and 96-bit nonce.
const cases = [
  {
    name: '13',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    plaintext: '',
    aad: '',
    ciphertext: '',
    tag: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    name: '14',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    plaintext: '00'.repeat(16),
    aad: '',
    ciphertext: 'cea7403d4d606b6e074ec5d3baf39d18',
    tag: 'd0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    name: '15',
    key: KEY,
    nonce: NONCE,
    plaintext: PLAINTEXT,
    aad: '',
    ciphertext: CIPHERTEXT,
    tag: 'b094dac5d93471bdec1a502270e3cc6c',
  },
  {
    name: '16',
    key: KEY,
    nonce: NONCE,
    plaintext: PLAINTEXT.slice(0, 120),
    aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    ciphertext: CIPHERTEXT.slice(0, 120),
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
];

const hex = (text: string) => Buffer.from(text, 'hex');

describe('AES-256-GCM', () => {
  it.each(cases)('agrees with published test case $name', ({ key, nonce, plaintext, aad, ciphertext, tag }) => {
    const sealed = encryptWithNonce(hex(key), hex(nonce), hex(plaintext), hex(aad));
    expect(sealed.toString('hex')).toBe(nonce + ciphertext + tag);
    expect(decrypt(hex(key), sealed, hex(aad)).toString('hex')).toBe(plaintext);
  });

  it('never uses a nonce twice', () => {
    const nonces = Array.from({ length: 1000 }, () =>
      encrypt(hex(KEY), Buffer.alloc(0), Buffer.alloc(0)).subarray(0, 12).toString('hex'),
    );
    expect(new Set(nonces).size).toBe(1000);
  });

  it('refuses other associated data and another key', () => {
    const sealed = encrypt(hex(KEY), hex(PLAINTEXT), Buffer.from('here'));
    expect(() => decrypt(hex(KEY), sealed, Buffer.from('there'))).toThrow();
    expect(() => decrypt(hex('00'.repeat(32)), sealed, Buffer.from('here'))).toThrow();
  });

  it('refuses a tag of any length under 16 bytes, even where the head of the tag is right', () => {
    const sealed = encrypt(hex(KEY), Buffer.alloc(0), Buffer.alloc(0));
    for (let length = 0; length < sealed.length; length++) {
      expect(() => decrypt(hex(KEY), sealed.subarray(0, length), Buffer.alloc(0)), `${length} bytes`).toThrow();
    }
  });
});
