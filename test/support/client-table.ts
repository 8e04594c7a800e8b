/** What docs/clients.md tells of the clients that were run: which feature works, and what has to be set for it. */
export interface Client {
  readonly name: string;
  /** What it runs on, where that matters. */
  readonly on?: string;
  /** What has to be set beside what `onecli run` sets. */
  readonly needs: string;
  readonly features: readonly Feature[];
}

export const features = ['json', 'stream', 'upload', 'websocket'] as const;
export type Feature = (typeof features)[number];

const nothing = 'nothing';
const onlyBearer = 'requests that the client signs itself (SigV4) need their real key: OneCLI does not sign yet';

/** Clients that programs are written with, each run by a script of test/e2e/client-table. */
export const nodeClients: readonly (Client & { readonly node: 'any' | '24' })[] = [
  { name: 'fetch', on: 'Node 24', node: '24', needs: nothing, features: ['json', 'stream', 'upload'] },
  {
    name: 'fetch by base URL',
    on: 'Node 20',
    node: 'any',
    needs: '`${ONECLI_BASE_URL}host/…` in place of `https://host/…`: Node before 24 honours no proxy',
    features: ['json', 'stream', 'upload'],
  },
  { name: 'axios', on: 'Node 20, 24', node: 'any', needs: nothing, features: ['json', 'stream', 'upload'] },
  { name: 'got', on: 'Node 24', node: '24', needs: nothing, features: ['json', 'stream', 'upload'] },
  { name: 'openai', on: 'Node 24', node: '24', needs: nothing, features: ['json', 'stream', 'upload'] },
  { name: '@anthropic-ai/sdk', on: 'Node 24', node: '24', needs: nothing, features: ['json', 'stream'] },
  { name: 'octokit', on: 'Node 24', node: '24', needs: nothing, features: ['json', 'upload'] },
  {
    name: 'stripe',
    on: 'Node 20, 24',
    node: 'any',
    needs:
      '`httpClient: Stripe.createFetchHttpClient(…)` with a fetch that writes `ONECLI_BASE_URL` in place of `https://`',
    features: ['json', 'upload'],
  },
  {
    name: '@slack/web-api',
    on: 'Node 20, 24',
    node: 'any',
    needs: '`slackApiUrl: ONECLI_BASE_URL + "slack.com/api/"`',
    features: ['json'],
  },
  {
    name: '@aws-sdk/client-s3',
    on: 'Node 20, 24',
    node: 'any',
    needs: `\`endpoint: ONECLI_BASE_URL + "s3.us-east-1.amazonaws.com"\`, \`forcePathStyle\`; ${onlyBearer}`,
    features: ['stream', 'upload'],
  },
  { name: 'googleapis', on: 'Node 24', node: '24', needs: nothing, features: ['json', 'upload'] },
  { name: 'MCP SDK', on: 'Node 24', node: '24', needs: nothing, features: ['json', 'stream'] },
  {
    name: 'ws',
    on: 'Node 20, 24',
    node: 'any',
    needs: '`ONECLI_BASE_URL` with `ws://` in place of `http://`, then the host: it honours no proxy by itself',
    features: ['websocket'],
  },
  { name: 'WebSocket', on: 'Node 24', node: '24', needs: nothing, features: ['websocket'] },
  {
    name: '@grpc/grpc-js',
    on: 'Node 20, 24',
    node: 'any',
    needs: nothing,
    features: ['json', 'stream', 'upload'],
  },
];

export const pythonClients: readonly Client[] = [
  { name: 'urllib', needs: nothing, features: ['json', 'stream', 'upload'] },
  { name: 'requests', needs: nothing, features: ['json', 'stream', 'upload'] },
  { name: 'httpx', needs: nothing, features: ['json', 'stream', 'upload'] },
  {
    name: 'aiohttp',
    needs: '`ClientSession(trust_env=True)`',
    features: ['json', 'stream', 'upload', 'websocket'],
  },
  { name: 'openai', needs: nothing, features: ['json', 'stream', 'upload'] },
  { name: 'anthropic', needs: nothing, features: ['json', 'stream'] },
  { name: 'boto3', needs: onlyBearer, features: ['stream', 'upload'] },
  { name: 'websockets', needs: nothing, features: ['websocket'] },
];

export const commandClients = {
  curl: { name: 'curl', needs: nothing, features: ['json', 'stream', 'upload'] },
  wget: {
    name: 'wget',
    needs: '`--ca-certificate="$SSL_CERT_FILE"`: it reads no variable for it',
    features: ['json', 'stream', 'upload'],
  },
  git: { name: 'git', needs: nothing, features: ['json', 'upload'] },
  npm: { name: 'npm', needs: 'the placeholder as `_authToken` in `.npmrc`', features: ['json', 'upload'] },
  pip: {
    name: 'pip',
    needs: 'the placeholder as the password in the index URL, percent-encoded',
    features: ['json'],
  },
  gh: { name: 'gh', needs: '`GH_TOKEN` as the placeholder', features: ['json', 'upload'] },
  cargo: { name: 'cargo', needs: '`CARGO_REGISTRIES_<NAME>_TOKEN` as the placeholder', features: ['json'] },
  java: {
    name: 'java.net.http.HttpClient',
    needs:
      'an identity `source` or `mtls`, since it sends no proxy credentials; the proxy by `ProxySelector`; the authority in its trust store',
    features: ['json', 'stream', 'upload'],
  },
} as const satisfies Record<string, Client>;

/** One line of the table. */
export function tableRow({ name, on, needs, features: known }: Client): string {
  const marks = features.map((feature) => (known.includes(feature) ? 'yes' : '–'));
  return `| ${[name, on ?? '', ...marks, needs].join(' | ')} |`;
}

/** The whole table, as it stands in docs/clients.md. */
export function clientTable(): string {
  const head = ['| client | on | JSON | stream | upload | WebSocket | to be set |', '|---|---|---|---|---|---|---|'];
  const python = pythonClients.map((client) => ({ ...client, on: 'Python 3.11' }));
  return [...head, ...[...Object.values(commandClients), ...python, ...nodeClients].map(tableRow)].join('\n');
}
