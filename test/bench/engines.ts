import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { familyCpuMicros } from '../support/process-facts.ts';
import { proxyCredentials } from '../support/raw-agent.ts';
import { type Onecli, type ProductPart, startOnecli } from '../support/start-onecli.ts';
import type { TestAuthority } from '../support/test-authority.ts';
import { type RunningNginx, startReverseProxyNginx } from './bench-upstream.ts';
import { forkOwned } from './owned-processes.ts';
import type { CpuClocks } from './run-load.ts';
import { benchHost, type EnginePort, secretValue } from './workload.ts';

/** Something that puts the key in on the way out, and the process that does it. */
export interface Engine {
  name: EngineName;
  entry: EnginePort;
  /** The process whose CPU time and memory are compared. */
  pid: number;
  /** CPU clocks of further processes of the same product, reported beside it. */
  beside: CpuClocks;
}

export type EngineName = 'nginx' | 'onecli' | 'undici' | 'http-mitm-proxy' | 'splice';

/** Where the engines find the upstream and keep their files. */
export interface EngineContext {
  folder: string;
  authority: TestAuthority;
  upstream: RunningNginx;
}

/** Says whether nginx can be run. */
export function hasNginx(): boolean {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export async function startNginxEngine({ folder, upstream, authority }: EngineContext): Promise<Engine> {
  const nginx = await startReverseProxyNginx(folder, await freePort(), upstream.port, authority);
  return { name: 'nginx', entry: { port: nginx.port, entry: 'tls' }, pid: nginx.workerPid, beside: {} };
}

export async function startMitmEngine({ folder, upstream, authority }: EngineContext): Promise<Engine> {
  const port = await freePort();
  const ownFolder = join(folder, 'http-mitm-proxy');
  mkdirSync(ownFolder, { recursive: true });
  const args = [port, upstream.port, ownFolder, authority.caFile].map(String);
  const child = forkOwned(new URL('engines/http-mitm-proxy.ts', import.meta.url), args);
  return nodeEngine('http-mitm-proxy', port, child);
}

export function startUndiciEngine(context: EngineContext): Promise<Engine> {
  return startInterceptor('undici', new URL('engines/undici-proxy.ts', import.meta.url), context);
}

export function startSpliceEngine(context: EngineContext): Promise<Engine> {
  return startInterceptor('splice', new URL('engines/splice-proxy.ts', import.meta.url), context);
}

async function startInterceptor(name: EngineName, script: URL, context: EngineContext): Promise<Engine> {
  const port = await freePort();
  const leaf = context.authority.issue([benchHost]);
  const args = [port, context.upstream.port, leaf.keyFile, leaf.certFile, context.authority.caFile].map(String);
  return nodeEngine(name, port, forkOwned(script, args));
}

async function nodeEngine(name: EngineName, port: number, child: ChildProcess): Promise<Engine> {
  await once(child, 'message', { signal: AbortSignal.timeout(15_000) });
  return { name, entry: { port, entry: 'connect' }, pid: child.pid ?? 0, beside: {} };
}

/** Starts the whole product: identity by token, a policy of 100 rules, one placeholder in each request, scrubbing, audit. */
export async function startOnecliEngine(context: EngineContext): Promise<{ engine: Engine; onecli: Onecli }> {
  const onecli = await startOnecli({
    upstreamCaFile: context.authority.caFile,
    connectTo: `${benchHost}:443=127.0.0.1:${context.upstream.port}`,
  });
  try {
    const token = await configureProduct(onecli);
    const [pid] = onecli.pidsOf('worker');
    if (pid === undefined) throw new Error('the product has no worker');
    const entry: EnginePort = {
      port: onecli.proxyPort,
      entry: 'connect',
      proxyAuthorization: proxyCredentials('bench', token),
    };
    const clockOf = (part: ProductPart) => (): number =>
      onecli.pidsOf(part).reduce((sum, one) => sum + familyCpuMicros(one), 0);
    const beside = { 'control plane': clockOf('control-plane'), Postgres: clockOf('postgres') };
    return { engine: { name: 'onecli', entry, pid, beside }, onecli };
  } catch (error) {
    await onecli.destroy();
    throw error;
  }
}

/** Gives a product the benchmark's secret, agent and policy. @returns the agent's token */
export async function configureProduct(onecli: Pick<Onecli, 'must'>): Promise<string> {
  await onecli.must('POST', '/api/secrets', {
    name: 'prod/openai',
    value: secretValue,
    description: 'benchmark',
    binding: { hosts: [benchHost], surfaces: ['header'] },
  });
  const { token } = await onecli.must<{ token: string }>('POST', '/api/agents', {
    name: 'bench',
    identities: [{ token: {} }],
  });
  await onecli.must('POST', '/api/policies', {
    name: 'bench',
    agents: ['bench'],
    rules: [
      ...otherRules(),
      { allow: { hosts: [benchHost], paths: ['/v1/**'], methods: ['GET'], secrets: ['prod/openai'] } },
    ],
  });
  return token;
}

/** 99 rules that each request has to be judged by or past: of the same host and of others, allowing and denying. */
function otherRules(): unknown[] {
  return Array.from({ length: 99 }, (_, index) => {
    const hosts = index % 3 === 0 ? [benchHost] : [`api-${index}.example.com`];
    const paths = [`/v1/other-${index}/**`];
    return index % 4 === 0 ? { deny: { hosts, paths } } : { allow: { hosts, paths, methods: ['GET', 'POST'] } };
  });
}
