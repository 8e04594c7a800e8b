import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What an authority is to be like. Default: a good intermediate on P-256. */
export interface AuthorityOptions {
  /** Of openssl's `-newkey`. Default: `ec` on P-256. */
  readonly key?: readonly string[];
  /** Lines of an extension section of openssl. */
  readonly extensions?: readonly string[];
  readonly days?: number;
  readonly hash?: string;
  readonly subject?: string;
}

/** A certificate with its key, both PEM. */
export interface Issued {
  readonly certificate: string;
  readonly privateKey: string;
}

const p256 = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
export const goodExtensions = [
  'basicConstraints=critical,CA:TRUE,pathlen:0',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
];

/** Has openssl make authorities, as a company's own PKI would. `issuer` undefined: a root. */
export function issueAuthority(issuer: Issued | undefined, options: AuthorityOptions = {}): Issued {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-brought-'));
  try {
    return issueIn(folder, issuer, options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function issueIn(folder: string, issuer: Issued | undefined, options: AuthorityOptions): Issued {
  const { key = p256, days = 30, hash = 'sha256' } = options;
  const isRoot = issuer === undefined;
  const rootExtensions = ['basicConstraints=critical,CA:TRUE', ...goodExtensions.slice(1)];
  const extensions =
    options.extensions ?? (isRoot ? rootExtensions : [...goodExtensions, 'authorityKeyIdentifier=keyid']);
  const subject = options.subject ?? `/O=Example/CN=${isRoot ? 'Example root' : 'Example intermediate'}`;
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  writeFileSync(join(folder, 'extensions.cnf'), `[all]\n${extensions.join('\n')}\n`);
  openssl('req', '-new', '-newkey', ...key, '-nodes', '-keyout', 'key.pem', '-out', 'csr.pem', '-subj', subject);
  const signer = isRoot ? ['-signkey', 'key.pem'] : ['-CA', 'issuer.pem', '-CAkey', 'issuer-key.pem'];
  if (!isRoot) {
    writeFileSync(join(folder, 'issuer.pem'), issuer.certificate);
    writeFileSync(join(folder, 'issuer-key.pem'), issuer.privateKey);
  }
  const signed = ['-days', `${days}`, `-${hash}`, '-extfile', 'extensions.cnf', '-extensions', 'all', '-out', 'x.pem'];
  openssl('x509', '-req', '-in', 'csr.pem', ...signer, ...signed);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  return { certificate: read('x.pem'), privateKey: read('key.pem') };
}
