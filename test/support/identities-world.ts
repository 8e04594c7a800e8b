import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JwtIssuer, startJwtIssuer } from './jwt-issuer.ts';
import { openTunnel } from './raw-agent.ts';
import { type RecordingUpstream, startUpstream } from './recording-upstream.ts';
import { makeTestAuthority, type TestAuthority } from './test-authority.ts';
import { waitUntil } from './wait-until.ts';
import { boundHost, startWorld, type World } from './world.ts';

/** The load balancer, a mesh proxy, and an office, as addresses of this machine. */
export const [balancer, mesh, office] = ['127.0.0.9', '127.0.0.8', '127.0.0.7'] as const;

/** A world with an agent of each kind of identity, all of which may take `prod/openai` to its host. */
export interface IdentitiesWorld {
  readonly world: World;
  /** For what a test makes besides. */
  readonly folder: string;
  /** Whose client certificates may be agents. */
  readonly customer: TestAuthority;
  readonly issuer: JwtIssuer;
  /** `plain.example`, without TLS. */
  readonly plain: RecordingUpstream;
  /** Of the agent `bound`, good from two ranges. */
  readonly boundToken: string;
  /** What the gateway issued to the agent `certified`, in PEM. */
  readonly issued: { readonly key: string; readonly cert: string };
  stop(): Promise<void>;
}

/** Starts it, and waits until all of the agents are known to the worker. */
export async function startIdentitiesWorld(): Promise<IdentitiesWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-identities-'));
  const customer = makeTestAuthority(join(folder, 'customer'), 'Customer agents');
  const upstreams = makeTestAuthority(join(folder, 'issuer'));
  const issuer = await startJwtIssuer(upstreams);
  const plain = await startUpstream();
  const world = await startWorld({
    connectTo: [`${issuer.host}:443=127.0.0.1:${issuer.port}`, `plain.example:80=127.0.0.1:${plain.port}`],
    upstreamRoots: [upstreams.caPem],
    start: { env: { ONECLI_CLIENT_CA_FILE: customer.caFile, ONECLI_TRUSTED_PROXIES: `${balancer}/32` } },
  });
  const { boundToken, issued } = await makeAgents(world, issuer);
  await waitUntil('the last of the configuration is in force', async () => {
    const tunnel = await openTunnel({ proxyPort: world.onecli.proxyPort, localAddress: office });
    if (tunnel.kind === 'open') tunnel.connection.close();
    return tunnel.kind === 'open';
  });
  const stop = async (): Promise<void> => {
    await world.stop();
    await issuer.close();
    await plain.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { world, folder, customer, issuer, plain, boundToken, issued, stop };
}

async function makeAgents(
  world: World,
  { issuer }: JwtIssuer,
): Promise<Pick<IdentitiesWorld, 'boundToken' | 'issued'>> {
  const create = (name: string, ...identities: unknown[]) =>
    world.onecli.must<{ token?: string }>('POST', '/api/agents', { name, identities, labels: { known: 'yes' } });
  await create('certified', { mtls: { commonName: 'certified' } }, { mtls: { uri: 'spiffe://example.org/certified' } });
  await create('signed', { jwt: { issuer, audience: 'onecli', claims: { sub: 'spiffe://example.org/signed' } } });
  await create('meshed', { header: { name: 'X-Mesh-Agent', value: 'meshed', cidrs: [mesh] } });
  await create('office', { source: { cidrs: [office, '198.51.100.0/24'] } });
  const { token } = await create('bound', { token: { cidrs: ['127.0.0.6', '203.0.113.0/24'] } });
  const { certificate, privateKey } = await world.onecli.must<{ certificate: string; privateKey: string }>(
    'POST',
    '/api/agents/certified/certificate',
    { days: 1 },
  );
  await world.onecli.must('POST', '/api/policies', {
    name: 'known',
    agents: [{ labels: { known: 'yes' } }],
    rules: [
      { allow: { hosts: [boundHost], paths: ['/v1/**'], secrets: ['prod/openai'] } },
      { allow: { hosts: ['plain.example:80'] } },
    ],
  });
  return { boundToken: token ?? '', issued: { key: privateKey, cert: certificate } };
}
