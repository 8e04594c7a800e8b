import type { Variables } from './environment.ts';

/** What an agent's process needs to know of the gateway. */
export interface GatewayAccess {
  /** Proxy URL with the agent's name and token in it. */
  readonly proxyUrl: string;
  /** What stands ahead of a host in base-URL mode, with the agent's name and token in it. */
  readonly baseUrl: string;
  /** PEM file with the gateway's authority alone. */
  readonly caFile: string;
  /** PEM file with the system's roots and the gateway's authority. */
  readonly bundleFile: string;
}

/** What changes between the environment of the CLI and that of the command it starts. */
export interface EnvironmentChange {
  readonly set: Variables;
  readonly unset: readonly string[];
}

const ownMachine = ['localhost', '127.0.0.1', '::1'];

// Each of these names a file that its readers use INSTEAD of the system's roots, so it has to hold those as well.
const replacingCaVariables = [
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'AWS_CA_BUNDLE',
  'PIP_CERT',
  'NPM_CONFIG_CAFILE',
  'CARGO_HTTP_CAINFO',
] as const;

// Node and Deno ADD these to the roots that they were built with.
const addingCaVariables = ['NODE_EXTRA_CA_CERTS', 'DENO_CERT'] as const;

// As the replacing ones, for tools that few have: only mended where somebody has set them.
const rareCaVariables = [
  'NIX_SSL_CERT_FILE',
  'HTTPLIB2_CA_CERTS',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE',
] as const;

/** Every variable that names a file with the gateway's authority. */
export const caVariables: readonly string[] = [...addingCaVariables, ...replacingCaVariables];

/**
 * The environment in which every ordinary HTTP client goes through the gateway and trusts it, with `variables` added.
 * Unsets what would go past the gateway (ALL_PROXY) or hand an admin's credentials to the agent.
 */
export function changeEnvironment(
  inherited: Variables,
  access: GatewayAccess,
  variables: Variables = {},
): EnvironmentChange {
  // A base URL is the gateway's own address, which is not reached by way of the gateway.
  const gatewayHost = new URL(access.baseUrl).hostname.replace(/^\[|\]$/g, '');
  const noProxy = [...new Set([...ownMachine, gatewayHost])].join(',');
  const set: Record<string, string> = {
    HTTPS_PROXY: access.proxyUrl,
    https_proxy: access.proxyUrl,
    HTTP_PROXY: access.proxyUrl,
    http_proxy: access.proxyUrl,
    // aiohttp asks for these and no others when it opens a WebSocket.
    WSS_PROXY: access.proxyUrl,
    wss_proxy: access.proxyUrl,
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    NODE_USE_ENV_PROXY: '1',
    ONECLI_BASE_URL: access.baseUrl,
    GIT_HTTP_PROXY_AUTHMETHOD: 'basic',
  };
  for (const name of addingCaVariables) set[name] = access.caFile;
  for (const name of replacingCaVariables) set[name] = access.bundleFile;
  for (const name of rareCaVariables) if ((inherited[name] ?? '') !== '') set[name] = access.bundleFile;
  Object.assign(set, variables);
  return {
    set,
    unset: Object.keys(inherited)
      .filter((name) => isWithheld(name) && !(name in set))
      .sort(),
  };
}

/** Applies a change to what was inherited. */
export function applyChange(inherited: Variables, change: EnvironmentChange): Variables {
  const kept = Object.entries(inherited).filter(([name]) => !change.unset.includes(name));
  return { ...Object.fromEntries(kept), ...change.set };
}

/**
 * Puts an agent's name and token into the proxy's address, percent-encoded (RFC 3986 section 3.2.1), with the port always
 * written out: curl takes 1080 for a proxy without one.
 */
export function proxyUrlFor(proxyAddress: string, agent: string, token: string): string {
  const url = new URL(proxyAddress);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return `${url.protocol}//${encodeURIComponent(agent)}:${encodeURIComponent(token)}@${url.hostname}:${port}`;
}

function isWithheld(name: string): boolean {
  const isAdmins = /^ONECLI_(ADMIN_.*|API_KEY|MASTER_KEY.*|AGENT_TOKEN)$/i.test(name);
  // npm hands its own settings down through npx, and npm in the child prefers them to the variables set here.
  const isBypass = /^(ALL_PROXY|npm_config_(proxy|https?[-_]proxy|noproxy|cafile))$/i.test(name);
  return isAdmins || isBypass;
}
