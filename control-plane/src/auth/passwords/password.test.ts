import { describe, expect, it } from 'vitest';
import { hashOfNobody, hashPassword, verifyPassword } from './password.ts';

describe('hashPassword', () => {
  it('gives text that verifies the password and no other', async () => {
    const stored = await hashPassword('pässword');
    expect(await verifyPassword('pässword', stored)).toBe(true);
    expect(await verifyPassword('pässwor', stored)).toBe(false);
    expect(await verifyPassword('', stored)).toBe(false);
  });

  it('carries its parameters, a salt of its own, and not the password', async () => {
    const [one, two] = await Promise.all([hashPassword('same'), hashPassword('same')]);
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[\w-]{22}\$[\w-]{43}$/);
    expect(one).not.toBe(two);
    expect(one).not.toContain('same');
  });

  it('takes a password for the same in either Unicode form', async () => {
    expect(await verifyPassword('e\u0301t\u00e9', await hashPassword('\u00e9te\u0301'))).toBe(true);
  });
});

describe('hashOfNobody', () => {
  it('is as a hash of a password: the same work to verify, and never the same', async () => {
    expect(hashOfNobody()).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[\w-]{22}\$[\w-]{43}$/);
    expect(hashOfNobody()).not.toBe(hashOfNobody());
    expect(await verifyPassword('', hashOfNobody())).toBe(false);
  });
});

describe('verifyPassword', () => {
  it('computes the vector of RFC 7914, section 12, with the parameters of the stored text', async () => {
    const hash =
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887';
    const salt = Buffer.from('SodiumChloride').toString('base64url');
    const stored = `$scrypt$ln=14,r=8,p=1$${salt}$${Buffer.from(hash, 'hex').toString('base64url')}`;
    expect(await verifyPassword('pleaseletmein', stored)).toBe(true);
  });

  it.each(['', 'plain', '$scrypt$ln=15,r=8,p=3$$', '$argon2id$v=19$x$y'])(
    'throws for the stored text %j',
    async (stored) => {
      await expect(verifyPassword('x', stored)).rejects.toThrow('malformed');
    },
  );
});
