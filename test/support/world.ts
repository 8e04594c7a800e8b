import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCanary } from './canary.ts';
import { mustOpenTunnel, openTunnel, requestBytes, type TunnelOptions } from './raw-agent.ts';
import { RecordingUpstream, startUpstream, type UpstreamOptions } from './recording-upstream.ts';
import type { RawConnection } from './raw-connection.ts';
import { type Onecli, startOnecli, type StartOptions } from './start-onecli.ts';
import { makeTestAuthority, type TestAuthority } from './test-authority.ts';
import { waitUntil } from './wait-until.ts';

/** One audit event as `GET /api/audit` gives it. */
export interface AuditItem {
  id: string;
  time: string;
  agent: string | null;
  decision: 'allow' | 'deny';
  reason: string;
  rule: string | null;
  host: string;
  port: number;
  method: string;
  path: string;
  status: number;
  latencyMs: number;
  requestBytes: number;
  responseBytes: number;
  secrets: string[];
  findings: { kind: string; place: string }[];
  requestId: string;
  revision: number;
}

/** How to set a world up. */
export interface WorldOptions {
  /** Hosts that stand for the recording upstream, on port 443. */
  hosts?: readonly string[];
  /** Further `host:port=address:port` entries. */
  connectTo?: readonly string[];
  /** Roots that OneCLI trusts for upstreams beside the recording upstream's, PEM. */
  upstreamRoots?: readonly string[];
  /** Starts other upstreams under the world's authority; gives their `host:port=address:port` entries. */
  beside?: (authority: TestAuthority) => Promise<readonly string[]>;
  upstream?: UpstreamOptions;
  start?: StartOptions;
  /** Rules of the agent's policy. Default: `api.openai.com`, `/v1/**`, with `prod/openai`. */
  rules?: readonly unknown[];
}

/** The host that `prod/openai` is bound to, and one that it is not bound to although the agent may reach it. */
export const boundHost = 'api.openai.com';
export const otherHost = 'api.other.example';

/**
 * A recording upstream and the product, with one agent, `mallory`, who may use `prod/openai` on its host under /v1 and
 * reach another host under /v1 without any secret. `prod/stripe` exists and is granted to nobody.
 */
export class World {
  /** Canary values of the secrets. */
  readonly canaries: readonly string[];
  caPem = '';
  token = '';
  readonly agent = 'mallory';
  #markers = 0;

  constructor(
    readonly folder: string,
    readonly authority: TestAuthority,
    readonly upstream: RecordingUpstream,
    readonly onecli: Onecli,
    readonly canary: string,
    readonly ungrantedCanary: string,
  ) {
    this.canaries = [canary, ungrantedCanary];
  }

  /** Opens an intercepted tunnel as the agent. */
  tunnel(options: Partial<TunnelOptions> = {}): Promise<RawConnection> {
    return mustOpenTunnel({
      proxyPort: this.onecli.proxyPort,
      agent: this.agent,
      token: this.token,
      ca: this.caPem,
      ...options,
    });
  }

  /**
   * Gives the audit events since a time, once a request that was sent after them has arrived there too.
   * `since` is milliseconds since the epoch.
   */
  async auditSince(since: number): Promise<AuditItem[]> {
    this.#markers += 1;
    const marker = `/v1/marker/${process.pid}-${this.#markers}`;
    const handler = this.upstream.handler;
    this.upstream.handler = (_request, reply) => reply.json(200, {});
    const connection = await this.tunnel();
    connection.send(requestBytes('GET', marker));
    await connection.readResponse();
    connection.close();
    this.upstream.handler = handler;
    const items = await waitUntil('the audit trail has caught up', async () => {
      const all = await this.audit(`since=${encodeURIComponent(new Date(since).toISOString())}`);
      return all.some((item) => item.path === marker) ? all : undefined;
    });
    return items.filter((item) => !item.path.startsWith('/v1/marker/'));
  }

  /** Gives every audit event that a query selects, over all pages. */
  async audit(query = ''): Promise<AuditItem[]> {
    const items: AuditItem[] = [];
    let after: string | null | undefined;
    do {
      const cursor: string = after === undefined || after === null ? '' : `&after=${encodeURIComponent(after)}`;
      const page = await this.onecli.must<{ items: AuditItem[]; next?: string | null }>(
        'GET',
        `/api/audit?limit=200&${query}${cursor}`,
      );
      items.push(...page.items);
      after = page.items.length === 0 ? null : page.next;
    } while (after !== undefined && after !== null);
    return items;
  }

  async stop(): Promise<void> {
    await this.onecli.stop();
    await this.upstream.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts a world. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-world-'));
  const authority = makeTestAuthority(folder);
  const hosts = [...new Set([boundHost, otherHost, ...(options.hosts ?? [])])];
  const upstream = await startUpstream({ authority, hosts, ...options.upstream });
  const connectTo = [
    ...hosts.map((host) => `${host}:443=127.0.0.1:${upstream.port}`),
    ...(options.connectTo ?? []),
    ...((await options.beside?.(authority)) ?? []),
  ];
  const rootsFile = join(folder, 'upstream-roots.pem');
  writeFileSync(rootsFile, [authority.caPem, ...(options.upstreamRoots ?? [])].join('\n'));
  const onecli = await startOnecli({
    upstreamCaFile: rootsFile,
    connectTo: connectTo.join(','),
    ...options.start,
    // Most suites look for the refusal of a host where CONNECT is answered.
    env: { ONECLI_REFUSE_INSIDE_TUNNEL: 'off', ...options.start?.env },
  });
  const world = new World(folder, authority, upstream, onecli, newCanary('granted'), newCanary('ungranted'));
  try {
    world.caPem = await onecli.caPem();
    world.token = await populate(world, options.rules);
    await waitUntil('the agent may open a tunnel', async () => {
      const tunnel = await openTunnel({ proxyPort: onecli.proxyPort, agent: world.agent, token: world.token });
      if (tunnel.kind === 'open') tunnel.connection.close();
      return tunnel.kind === 'open';
    });
    return world;
  } catch (error) {
    await onecli.destroy();
    throw new Error(`the world could not be made: ${(error as Error).message}\n${onecli.log.slice(-4000)}`, {
      cause: error,
    });
  }
}

async function populate(world: World, rules: readonly unknown[] | undefined): Promise<string> {
  const { onecli } = world;
  await putSecret(onecli, 'prod/openai', world.canary, [boundHost]);
  await putSecret(onecli, 'prod/stripe', world.ungrantedCanary, [boundHost, otherHost]);
  const token = await makeAgent(onecli, world.agent);
  await onecli.must('POST', '/api/policies', {
    name: world.agent,
    agents: [world.agent],
    rules: rules ?? [
      { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] } },
      { allow: { hosts: [otherHost], paths: ['/v1/**'], secrets: ['prod/openai'] } },
    ],
  });
  return token;
}

/** Stores a secret bound to hosts, for headers and Basic credentials. */
export async function putSecret(onecli: Onecli, name: string, value: string, hosts: readonly string[]): Promise<void> {
  const binding = { hosts, surfaces: ['header', 'basic'] };
  await onecli.must('POST', '/api/secrets', { name, value, description: `test secret ${name}`, binding });
}

/** Creates an agent and gives its token. */
export async function makeAgent(onecli: Onecli, name: string, labels?: Record<string, string>): Promise<string> {
  const body = { name, identities: [{ token: {} }], ...(labels !== undefined && { labels }) };
  return (await onecli.must<{ token: string }>('POST', '/api/agents', body)).token;
}
