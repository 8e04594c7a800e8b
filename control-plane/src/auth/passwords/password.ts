import { type ScryptOptions, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

// OWASP Password Storage Cheat Sheet, scrypt: N=2^15 with r=8 and p=3, or a stronger N with a smaller p; 32 MB a hash.
const current = { logN: 15, r: 8, p: 3 } as const;
const saltBytes = 16;
const hashBytes = 32;
const storedForm = /^\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/**
 * Hashes a password with scrypt (RFC 7914) and a random salt. Gives text that carries its parameters, in the PHC string
 * format: `$scrypt$ln=15,r=8,p=3$salt$hash`.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  return textOf(salt, await derive(password, salt, current, hashBytes));
}

/** A stored form that no password is right for: to verify one against it is the same work, to make it is none. */
export function hashOfNobody(): string {
  return textOf(randomBytes(saltBytes), randomBytes(hashBytes));
}

function textOf(salt: Buffer, hash: Buffer): string {
  return `$scrypt$ln=${current.logN},r=${current.r},p=${current.p}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/**
 * Whether a password is the one that was hashed, with the parameters of the stored text, in constant time.
 * @throws Error when the stored text is not of the form that `hashPassword` gives
 */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, logN, r, p, salt, hash] = storedForm.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) throw new Error('A stored password hash is malformed');
  const expected = Buffer.from(hash, 'base64url');
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  const actual = await derive(password, Buffer.from(salt, 'base64url'), cost, expected.length);
  return timingSafeEqual(actual, expected);
}

function derive(password: string, salt: Buffer, cost: ScryptCost, length: number): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** cost.logN, r: cost.r, p: cost.p, maxmem: 256 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    // NFC, so that the same password typed on two systems is the same (RFC 8265, section 4.2.1).
    scrypt(password.normalize('NFC'), salt, length, options, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}
