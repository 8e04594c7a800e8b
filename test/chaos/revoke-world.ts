/** A cluster whose workers are asked directly, one by one, whether they let a secret out. */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { mustOpenTunnel, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import { type ChaosAgent, type ChaosWorld, startChaosWorld } from './chaos-world.ts';
import type { Context } from './scenario.ts';

/** What one worker said. */
export interface Said {
  readonly worker: string;
  readonly status: number;
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** The agent's kept tunnel to one worker. */
export class WorkerProbe {
  readonly name: string;
  readonly #world: ChaosWorld;
  readonly #agent: ChaosAgent;
  readonly #port: number;
  #tunnel: RawConnection | undefined;

  constructor(world: ChaosWorld, agent: ChaosAgent, worker: { readonly name: string; readonly port?: number }) {
    this.name = worker.name;
    this.#world = world;
    this.#agent = agent;
    this.#port = worker.port ?? 0;
  }

  /** Sends one request with the secret's placeholder; its id is in the path. @throws when no answer comes */
  async ask(id: string): Promise<Said> {
    this.#tunnel ??= await this.#open();
    const { host, secret } = this.#agent;
    const sentMs = performance.now();
    this.#tunnel.send(requestBytes('GET', `/v1/keep/${id}`, { host, authorization: `Bearer onecli://${secret}` }));
    const { status, header } = await this.#tunnel.readResponse();
    const said = { worker: this.name, status, sentMs, answeredMs: performance.now() };
    if (/close/i.test(header('connection') ?? '')) this.close();
    return said;
  }

  close(): void {
    this.#tunnel?.close();
    this.#tunnel = undefined;
  }

  #open(): Promise<RawConnection> {
    const { name: agent, token, host } = this.#agent;
    return mustOpenTunnel({ proxyPort: this.#port, ca: this.#world.caPem, agent, token, authority: `${host}:443` });
  }
}

/** What came of giving or taking the grant. */
export interface Changed {
  readonly calledMs: number;
  readonly answeredMs: number;
}

export class RevokeWorld {
  readonly #agent: ChaosAgent;
  readonly #http = new Agent({ keepAlive: true });

  private constructor(
    readonly world: ChaosWorld,
    readonly probes: readonly WorkerProbe[],
    readonly key: string,
  ) {
    this.#agent = firstAgent(world);
  }

  static async start(workers: number, { redis }: Context): Promise<RevokeWorld> {
    const world = await startChaosWorld({ workers, redis });
    try {
      const { token } = await world.cluster.must<{ token: string }>('POST', '/api/api-keys', {
        name: 'chaos',
        roles: [{ role: 'owner', environments: ['*'] }],
      });
      const all = await world.cluster.processes();
      const probes = all
        .filter(({ kind }) => kind === 'worker')
        .map((one) => new WorkerProbe(world, firstAgent(world), one));
      return new RevokeWorld(world, probes, token);
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /**
   * Gives the agent its secret, or takes it away, by its policy.
   * @param wait ALL: answered when every worker has applied it
   * @throws when the API refuses it, or names workers that are behind
   */
  async grant(isGranted: boolean, wait: 'ALL' | 'NONE'): Promise<Changed> {
    const { name, host, secret } = this.#agent;
    const rule = `{ allow: { hosts: ["${host}"], paths: ["/v1/**"], secrets: [${isGranted ? `"${secret}"` : ''}] } }`;
    const query = `mutation { upsertPolicy(input: { name: "${name}", rules: [${rule}] }, wait: ${wait}) { change behind errors { code message } } }`;
    const calledMs = performance.now();
    const answer = await this.#graphql(query);
    const answeredMs = performance.now();
    const { change, behind, errors } = answer.data?.upsertPolicy ?? {};
    if (change !== 'UPDATED' || (errors?.length ?? 0) > 0 || (behind?.length ?? 0) > 0)
      throw new Error(`the grant was not changed: ${JSON.stringify(answer)}`);
    return { calledMs, answeredMs };
  }

  /** One request to each worker at the same time. */
  askAll(id: string): Promise<Said[]> {
    return Promise.all(this.probes.map((probe) => probe.ask(`${id}-${probe.name}`)));
  }

  /** Asks each worker again and again until it answers with a status. Gives the last answer of each. */
  askAllUntil(status: number, id: string, deadlineMs: number, everyMs = 0): Promise<Said[]> {
    return Promise.all(
      this.probes.map(async (probe) => {
        for (let turn = 0; ; turn += 1) {
          const said = await probe.ask(`${id}-${probe.name}-${turn}`);
          if (said.status === status) return said;
          if (performance.now() > deadlineMs)
            throw new Error(`${probe.name} still answers ${said.status} and not ${status}`);
          if (everyMs > 0) await pause(everyMs);
        }
      }),
    );
  }

  async stop(): Promise<void> {
    for (const probe of this.probes) probe.close();
    this.#http.destroy();
    await this.world.stop();
  }

  /** With a key and over a kept connection: a login costs a password's hash, and is not what is measured. */
  #graphql(query: string): Promise<GraphqlAnswer> {
    const body = JSON.stringify({ query });
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${this.key}`,
    };
    return new Promise((resolve, reject) => {
      const url = `${this.world.cluster.apiUrl}/graphql`;
      const asked = request(url, { method: 'POST', agent: this.#http, headers, timeout: 30_000 }, (answer) => {
        answer.setEncoding('utf8');
        let text = '';
        answer.on('data', (part: string) => (text += part));
        answer.on('error', reject);
        answer.on('end', () => resolve(JSON.parse(text) as GraphqlAnswer));
      });
      asked.on('timeout', () => asked.destroy(new Error('the API did not answer in 30 s')));
      asked.on('error', reject);
      asked.end(body);
    });
  }
}

interface GraphqlAnswer {
  data?: { upsertPolicy?: { change?: string; behind?: string[] | null; errors?: unknown[] } };
}

function firstAgent(world: ChaosWorld): ChaosAgent {
  const [agent] = world.agents;
  if (agent === undefined) throw new Error('there are agents');
  return agent;
}
