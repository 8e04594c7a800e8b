import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { CliError } from './cli-error.ts';
import type { Environment } from './environment.ts';
import { getDirectly } from './get-directly.ts';

/** Where systems keep the roots that they trust, as one PEM file. */
const systemRootFiles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const fetchTimeoutMs = 10_000;

/** Files with the gateway's authorities, alone and together with the system's roots. */
export interface CaFiles {
  readonly caFile: string;
  readonly bundleFile: string;
}

/**
 * Fetches the authorities to trust from the gateway's proxy port (`GET /ca.pem`), in PEM, the one that signs first; during a
 * rotation there are two. Throws when it cannot be reached or sends something else.
 */
export async function fetchAuthorities(proxyAddress: string): Promise<string> {
  const { origin } = new URL(proxyAddress);
  let pem: string;
  try {
    const { status, body } = await getDirectly(`${origin}/ca.pem`, fetchTimeoutMs);
    if (status !== 200) throw new Error(`status ${status}`);
    pem = body;
  } catch (cause) {
    throw new CliError(`no gateway answers at ${origin}`, {
      cause,
      hint: 'start it with `npm start`, or give its address with --proxy-url',
    });
  }
  try {
    const certificates = certificatesIn(pem);
    for (const certificate of certificates) void new X509Certificate(certificate);
    if (certificates.length === 0) throw new Error('there is no certificate in it');
  } catch (cause) {
    throw new CliError(`what ${origin}/ca.pem sent is no certificate`, {
      cause,
      hint: 'is this the address of a OneCLI proxy?',
    });
  }
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}

/** The certificates of a PEM text, one each. */
export function certificatesIn(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

/** Writes the authorities and the bundle into the user's cache folder, named by what they hold, so that no writer disturbs a reader. */
export function writeCaFiles(environment: Environment, authorityPem: string): CaFiles {
  const folder = join(environment.cacheHome ?? join(environment.home ?? homedir(), '.cache'), 'onecli', 'ca');
  mkdirSync(folder, { recursive: true });
  return {
    caFile: writeByContent(folder, 'ca', authorityPem),
    bundleFile: writeByContent(folder, 'bundle', `${systemRoots()}${authorityPem}`),
  };
}

/** The roots that this system trusts, in PEM; those that Node was built with where the system has no file of them. */
function systemRoots(): string {
  for (const path of systemRootFiles) {
    try {
      const pem = readFileSync(path, 'utf8');
      if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem.endsWith('\n') ? pem : `${pem}\n`;
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return `${rootCertificates.join('\n')}\n`;
}

function writeByContent(folder: string, kind: string, content: string): string {
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 32);
  const path = join(folder, `${kind}-${digest}.pem`);
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return path;
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, content, { mode: 0o644, flag: 'wx' });
  chmodSync(temporary, 0o644);
  renameSync(temporary, path);
  return path;
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'EACCES', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}
