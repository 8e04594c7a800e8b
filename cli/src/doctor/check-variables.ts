import { caVariables } from '../child-environment.ts';
import type { Variables } from '../environment.ts';
import { type Check, fail, pass, warn } from './check.ts';

const runIt =
  'start the command with: onecli run --agent NAME -- COMMAND; or, in this shell: eval "$(onecli env --agent NAME)"';
const replaceHint = `${runIt}; nothing after that may set it again (a shell profile, a .env file)`;

/** The proxy that the variables of an agent name. */
export interface NamedProxy {
  /** Its address without user and password: safe to print. */
  readonly address: string;
  readonly agent: string;
  readonly token: string;
}

/** Reads the proxy from an agent's variables, or undefined where there is none that can be read. */
export function readNamedProxy(variables: Variables): NamedProxy | undefined {
  const text = variables['https_proxy'] || variables['HTTPS_PROXY'];
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) return undefined;
  try {
    const [agent, token] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    return { address: url.origin, agent, token };
  } catch {
    // A percent sign that no encoder wrote.
    return undefined;
  }
}

/** Whether ordinary clients read the proxy from these variables. `gatewayAddress` is the proxy that should be named, if known. */
export function checkProxyVariables(variables: Variables, gatewayAddress: string | undefined): Check[] {
  const upper = variables['HTTPS_PROXY'] ?? '';
  const lower = variables['https_proxy'] ?? '';
  if (upper === '' && lower === '')
    return [fail('HTTPS_PROXY is not set here: no client goes through the gateway', runIt)];
  const named = readNamedProxy(variables);
  if (named === undefined) return [fail('HTTPS_PROXY is not a URL that clients can read', replaceHint)];
  const checks: Check[] = [];
  if (upper !== lower)
    checks.push(fail('HTTPS_PROXY and https_proxy differ: some clients read the one, some the other', replaceHint));
  if (gatewayAddress !== undefined && new URL(gatewayAddress).origin !== named.address) {
    checks.push(
      fail(`HTTPS_PROXY points to ${named.address}; the gateway is at ${new URL(gatewayAddress).origin}`, replaceHint),
    );
  }
  if (named.agent === '' || named.token === '')
    checks.push(fail('HTTPS_PROXY carries no agent and token', replaceHint));
  if (checks.length === 0) checks.push(pass(`HTTPS_PROXY points to ${named.address} as ${named.agent}`));
  return [...checks, ...checkBypasses(variables, named.address)];
}

/** Whether the variables that name CA files are set; what the files hold is not looked at. */
export function checkCaVariables(variables: Variables): Check {
  const missing = caVariables.filter((name) => (variables[name] ?? '') === '');
  if (missing.length === 0) return pass('the variables for CA files are set');
  return fail(`not set: ${missing.join(', ')}; clients that read them will not trust the gateway`, replaceHint);
}

/** Whether a Node of this `process.version` reads HTTPS_PROXY by itself once NODE_USE_ENV_PROXY=1: 24 and newer, 22 from 22.21 on. */
export function readsProxyVariables(version: string): boolean {
  const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) >= 24 || (major === '22' && Number(minor) >= 21);
}

/** Whether this Node reads HTTPS_PROXY by itself. `version` is `process.version`. */
export function checkNode(variables: Variables, version: string): Check {
  if (!readsProxyVariables(version)) {
    return warn(
      `Node ${version} has a fetch that does not read HTTPS_PROXY`,
      'for agents written in Node: use Node 24 or newer, or give their HTTP client a proxy agent; other languages are not concerned',
    );
  }
  if (variables['NODE_USE_ENV_PROXY'] !== '1')
    return fail('NODE_USE_ENV_PROXY is not 1: Node does not read HTTPS_PROXY', replaceHint);
  return pass(`Node ${version} reads HTTPS_PROXY`);
}

function checkBypasses(variables: Variables, gatewayAddress: string): Check[] {
  const checks: Check[] = [];
  const excepted = `${variables['NO_PROXY'] ?? ''},${variables['no_proxy'] ?? ''}`
    .split(',')
    .map((host) => host.trim());
  const gatewayHost = new URL(gatewayAddress).hostname.replace(/^\[|\]$/g, '');
  const local = new Set(['', 'localhost', '127.0.0.1', '::1', '[::1]', gatewayHost]);
  const others = [...new Set(excepted.filter((host) => !local.has(host)))];
  if (others.length > 0)
    checks.push(
      warn(
        `NO_PROXY lets clients go past the gateway for: ${others.join(', ')}`,
        'take them out unless they are meant',
      ),
    );
  const all = variables['ALL_PROXY'] || variables['all_proxy'];
  if (all !== undefined)
    checks.push(warn('ALL_PROXY is set: some clients prefer it to HTTPS_PROXY', 'unset ALL_PROXY all_proxy'));
  return checks;
}
