import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A leaf certificate with its key, as PEM text and as files. */
export interface TestLeaf {
  key: string;
  cert: string;
  keyFile: string;
  certFile: string;
}

/** A certificate authority of the tests, in a folder of its own. */
export interface TestAuthority {
  folder: string;
  caFile: string;
  caPem: string;
  /** Signs a P-256 leaf for DNS names and IP addresses; `days` of -1 makes one that has expired. */
  issue(hosts: readonly string[], days?: number): TestLeaf;
  /** Signs a client certificate with a common name and openssl's notation of alternative names (`URI:spiffe://…`). */
  issueClient(commonName: string, options?: { alternatives?: string; usage?: string; days?: number }): TestLeaf;
}

/** Makes an ECDSA P-256 authority with Debian's openssl. @throws when openssl is missing. */
export function makeTestAuthority(folder: string, commonName = 'OneCLI test upstreams'): TestAuthority {
  mkdirSync(folder, { recursive: true });
  const caKey = join(folder, 'ca.key');
  const caFile = join(folder, 'ca.pem');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(['req', '-x509', ...newKey, '-keyout', caKey, '-out', caFile, '-days', '30', '-subj', `/CN=${commonName}`]);
  let serial = Date.now();

  function issue(hosts: readonly string[], days = 30): TestLeaf {
    const names = hosts.map((host) => (/^[\d.]+$|:/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(',');
    return sign('upstream', `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`, days);
  }

  function issueClient(
    commonName: string,
    { alternatives, usage = 'clientAuth', days = 30 }: { alternatives?: string; usage?: string; days?: number } = {},
  ): TestLeaf {
    const names = alternatives === undefined ? '' : `subjectAltName=${alternatives}\n`;
    return sign(commonName, `${names}extendedKeyUsage=${usage}\n`, days);
  }

  function sign(subject: string, extensions: string, days: number): TestLeaf {
    serial += 1;
    const base = join(folder, `leaf-${serial}`);
    writeFileSync(`${base}.ext`, `${extensions}basicConstraints=CA:FALSE\n`);
    openssl(['req', ...newKey, '-keyout', `${base}.key`, '-out', `${base}.csr`, '-subj', `/CN=${subject}`]);
    const signing = ['-CA', caFile, '-CAkey', caKey, '-set_serial', String(serial), '-days', String(days)];
    openssl(['x509', '-req', '-in', `${base}.csr`, '-out', `${base}.pem`, ...signing, '-extfile', `${base}.ext`]);
    return {
      keyFile: `${base}.key`,
      certFile: `${base}.pem`,
      key: readFileSync(`${base}.key`, 'utf8'),
      cert: readFileSync(`${base}.pem`, 'utf8'),
    };
  }
  return { folder, caFile, caPem: readFileSync(caFile, 'utf8'), issue, issueClient };
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
