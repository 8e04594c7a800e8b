import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { certificatesIn, fetchAuthorities } from '../ca-bundle.ts';
import { caVariables } from '../child-environment.ts';
import { CliError } from '../cli-error.ts';
import type { Variables } from '../environment.ts';
import { getDirectly } from '../get-directly.ts';
import { printable } from '../terminal.ts';
import { type Check, fail, pass, skip, warn } from './check.ts';
import type { NamedProxy } from './check-variables.ts';
import { type ProxyAnswer, probeConnect, probeTrust } from './probe-gateway.ts';

const healthTimeoutMs = 10_000;
const maxSkewMs = 60_000;
const renew = 'start the command anew with `onecli run`: it fetches the current authority';

/** Whether the gateway answers at its proxy port, and whether its clock and this one agree. */
export async function checkReachable(address: string): Promise<Check[]> {
  try {
    const { status, headers } = await getDirectly(`${address}/health`, healthTimeoutMs);
    const atMs = Date.now();
    const { date } = headers;
    if (status === 503) {
      return [fail(`the gateway at ${address} is not ready`, 'wait a moment, then look at its log')];
    }
    if (status !== 200)
      return [
        fail(
          `what answers at ${address} is no OneCLI proxy (${status})`,
          'check the port: the proxy is on 10254 by default, the API on 10255',
        ),
      ];
    return [pass(`the gateway answers at ${address}`), ...(typeof date === 'string' ? [checkClock(date, atMs)] : [])];
  } catch (error) {
    const reason = error instanceof Error && error.message !== '' ? ` (${error.message})` : '';
    return [
      fail(
        `no gateway answers at ${address}${reason}`,
        'start it with `npm start`; from a container, its address is not 127.0.0.1',
      ),
    ];
  }
}

/** Compares a Date field (RFC 9110 section 6.6.1) with this machine's clock (epoch, ms): certificates are judged by the clock. */
export function checkClock(date: string, nowMs: number): Check {
  const skewMs = Math.abs(Date.parse(date) - nowMs);
  if (skewMs <= maxSkewMs) return pass('the clocks agree');
  const seconds = Math.round(skewMs / 1000);
  return fail(
    `this clock and the gateway's differ by ${seconds} s: certificates may count as expired`,
    'set the clock (NTP)',
  );
}

/** Whether each file that a CA variable names holds the gateway's authority. */
export async function checkAuthority(address: string, variables: Variables): Promise<Check[]> {
  let pem: string;
  try {
    pem = await fetchAuthorities(address);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [fail(error.message, error.hint ?? '')];
  }
  const authority = new X509Certificate(pem);
  const checks: Check[] = [];
  const nowMs = Date.now();
  if (nowMs < Date.parse(authority.validFrom) || nowMs > Date.parse(authority.validTo)) {
    checks.push(
      fail(
        `by this clock the gateway's authority is not valid (${authority.validFrom} to ${authority.validTo})`,
        'set the clock (NTP)',
      ),
    );
  }
  const named = caVariables.filter((name) => (variables[name] ?? '') !== '');
  const [signing = '', ...others] = certificatesIn(pem);
  const lacking = (wanted: string) =>
    named.filter((name) => !holdsCertificate(readIfPresent(variables[name] ?? ''), wanted));
  const faulty = lacking(signing);
  const outdated = named.filter((name) => others.some((other) => lacking(other).includes(name)));
  if (faulty.length > 0)
    checks.push(fail(`the gateway's authority is not in the file of: ${faulty.join(', ')}`, renew));
  else if (outdated.length > 0)
    checks.push(
      warn(`the gateway's authority is being rotated, and not all are in the file of: ${outdated.join(', ')}`, renew),
    );
  else if (named.length > 0)
    checks.push(pass(`the CA files hold the gateway's authority (SHA-256 ${authority.fingerprint256.slice(0, 23)}…)`));
  return checks;
}

/** Whether a PEM file's text holds a certificate, whatever its line breaks. */
export function holdsCertificate(fileText: string, pem: string): boolean {
  const [wanted] = certificatesIn(pem).map(content);
  return wanted !== undefined && certificatesIn(fileText).map(content).includes(wanted);
}

function content(certificate: string): string {
  return certificate.replace(/\s+/g, '');
}

/** Whether the gateway takes the token, and where `host` is allowed, whether a client would trust what it shows. */
export async function checkToken(
  proxy: NamedProxy,
  target: { host: string; port: number },
  variables: Variables,
): Promise<Check[]> {
  const name = `${target.host}:${target.port}`;
  const result = await probeConnect(proxy.address, `${proxy.agent}:${proxy.token}`, target.host, target.port);
  switch (result.kind) {
    case 'unreachable':
      return [
        fail(
          `CONNECT ${name} got no answer (${result.cause.message})`,
          'look at the gateway with `npm start`, or at what stands in between',
        ),
      ];
    case 'refused':
      return judgeRefusal(result.answer, name, proxy.agent);
    case 'tunnel': {
      const caPem = readIfPresent(variables['SSL_CERT_FILE'] ?? '');
      const fault = await probeTrust(result.socket, target.host, caPem);
      return [
        pass(`the gateway takes the token of ${proxy.agent}`),
        fault === undefined
          ? pass(`a TLS handshake with ${target.host} through the gateway is trusted`)
          : fail(`a TLS handshake with ${target.host} through the gateway fails: ${fault}`, renew),
        ...judgeTunnel(result.answer, name, proxy.agent),
      ];
    }
  }
}

/** What a refused CONNECT says of the token and of the target. */
export function judgeRefusal(answer: ProxyAnswer, name: string, agent: string): Check[] {
  const code = printable(answer.headers['x-onecli-error'] ?? '');
  if (answer.status === 407) {
    return [
      fail(
        `the gateway refuses the token of ${agent}${code === '' ? '' : ` (${code})`}`,
        `an admin makes a new one: onecli agent rotate ${agent}`,
      ),
    ];
  }
  if (code === '') {
    return [
      fail(
        `what answers CONNECT is no OneCLI proxy (${answer.status} ${printable(answer.reason)})`,
        'check HTTPS_PROXY: the proxy is on port 10254 by default',
      ),
    ];
  }
  if (answer.status >= 500 && code !== 'UPSTREAM_UNREACHABLE')
    return [fail(`the gateway refuses CONNECT ${name} now: ${code}`, "look at the gateway's log")];
  return [
    pass(`the gateway takes the token of ${agent}`),
    name.startsWith(probeHost)
      ? skip('no TLS handshake was tried; give a host that is allowed: onecli doctor --host api.openai.com')
      : notAllowed(code, name, agent),
  ];
}

/** What the head of a tunnel says of its target: the gateway may open one to refuse the host inside it. */
export function judgeTunnel(answer: ProxyAnswer, name: string, agent: string): Check[] {
  const code = printable(answer.headers['x-onecli-error'] ?? '');
  return code === '' || name.startsWith(probeHost) ? [] : [notAllowed(code, name, agent)];
}

function notAllowed(code: string, name: string, agent: string): Check {
  return warn(
    `the gateway answers ${code} for ${name}`,
    `if it should be allowed: onecli policy allow ${agent} ${name.replace(/:443$/, '')}`,
  );
}

/** A name that no policy allows and that does not exist (RFC 6761 section 6.4): a denial shows that the token is good. */
export const probeHost = 'onecli-doctor.invalid';

function readIfPresent(path: string): string {
  try {
    return path === '' ? '' : readFileSync(path, 'utf8');
  } catch {
    // Absent and unreadable are the same to a client: it does not hold the authority.
    return '';
  }
}
