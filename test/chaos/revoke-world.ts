/** A cluster whose workers are asked directly, one by one, whether they let a secret out. */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { newCanary } from '../support/canary.ts';
import { mustOpenTunnel, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection } from '../support/raw-connection.ts';
import type { ClusterProcess } from '../support/start-cluster.ts';
import type { Arrival } from './chaos-upstream.ts';
import { type ChaosWorld, everyWorkerFollows, startChaosWorld } from './chaos-world.ts';
import type { Context } from './scenario.ts';

/** What one worker said. */
export interface Said {
  readonly worker: string;
  readonly status: number;
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** The agent of a lane, with the one secret that its one policy may give it. Agent and policy have the lane's name. */
interface LaneAgent {
  readonly name: string;
  readonly token: string;
  readonly secret: string;
  readonly value: string;
  readonly host: string;
}

/** The agent's kept tunnel to one worker. */
class WorkerProbe {
  readonly name: string;
  readonly #caPem: string;
  readonly #agent: LaneAgent;
  readonly #port: number;
  #tunnel: RawConnection | undefined;

  constructor(caPem: string, agent: LaneAgent, worker: Pick<ClusterProcess, 'name' | 'port'>) {
    this.name = worker.name;
    this.#caPem = caPem;
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
    return mustOpenTunnel({ proxyPort: this.#port, ca: this.#caPem, agent, token, authority: `${host}:443` });
  }
}

/** What came of giving or taking the grant. */
export interface Changed {
  readonly calledMs: number;
  readonly answeredMs: number;
}

/** When workers are asked again, in milliseconds. */
export interface Asking {
  /** Of `performance.now()`: a worker that says something else by then does not follow at all. */
  readonly deadlineMs: number;
  /** Before the first question, and between two of them: asking takes the processor's time from following. */
  readonly firstMs: number;
  readonly everyMs: number;
}

/** An agent whose grant is given and taken, and its tunnels to every worker. Lanes know nothing of each other. */
export class RevokeLane {
  readonly #world: ChaosWorld;
  readonly #agent: LaneAgent;
  readonly #probes: readonly WorkerProbe[];
  readonly #api: Api;

  constructor(world: ChaosWorld, agent: LaneAgent, workers: readonly ClusterProcess[], api: Api) {
    this.#world = world;
    this.#agent = agent;
    this.#probes = workers.map((worker) => new WorkerProbe(world.caPem, agent, worker));
    this.#api = api;
  }

  /**
   * Gives the agent its secret, or takes it away, by its policy.
   * @param wait ALL: answered when every worker has applied it
   * @throws when the API refuses it, or a worker has not confirmed
   */
  async grant(isGranted: boolean, wait: 'ALL' | 'NONE'): Promise<Changed> {
    const { name, host, secret } = this.#agent;
    const rule = `{ allow: { hosts: ["${host}"], paths: ["/v1/**"], secrets: [${isGranted ? `"${secret}"` : ''}] } }`;
    const query = `mutation { upsertPolicy(input: { name: "${name}", rules: [${rule}] }, wait: ${wait}) { change isEverywhere behind silent errors { code message } } }`;
    const calledMs = performance.now();
    const answer = await this.#api.graphql(query);
    const answeredMs = performance.now();
    const { change, isEverywhere, errors } = answer.data?.upsertPolicy ?? {};
    if (change !== 'UPDATED' || (errors?.length ?? 0) > 0 || (wait === 'ALL' && isEverywhere !== true))
      throw new Error(`the grant was not changed: ${JSON.stringify(answer)}`);
    return { calledMs, answeredMs };
  }

  /** One request to each worker at the same time. */
  askAll(id: string): Promise<Said[]> {
    return Promise.all(this.#probes.map((probe) => probe.ask(this.#idOf(id, probe))));
  }

  /** Asks each worker again and again until it answers with a status. Gives the last answer of each. */
  askAllUntil(status: number, id: string, { deadlineMs, firstMs, everyMs }: Asking): Promise<Said[]> {
    return Promise.all(
      this.#probes.map(async (probe) => {
        if (firstMs > 0) await pause(firstMs);
        for (let turn = 0; ; turn += 1) {
          const said = await probe.ask(`${this.#idOf(id, probe)}-${turn}`);
          if (said.status === status) return said;
          if (performance.now() > deadlineMs)
            throw new Error(`${probe.name} still answers ${said.status} and not ${status}`);
          await pause(everyMs);
        }
      }),
    );
  }

  /** What this lane's requests have brought to the upstream since it was last taken. */
  takeArrivals(): Arrival[] {
    const { arrivals } = this.#world.upstream;
    const isOwn = ({ id }: Arrival): boolean => id.startsWith(`${this.#agent.name}.`);
    const own = arrivals.filter(isOwn);
    arrivals.splice(0, arrivals.length, ...arrivals.filter((one) => !isOwn(one)));
    return own;
  }

  /** Of an arrival of this lane: what was given to `askAll`, and more. */
  idOf({ id }: Arrival): string {
    return id.slice(this.#agent.name.length + 1);
  }

  /** Whether an arrival brought this lane's secret, and not nothing or another's. */
  bringsOwn({ rawHeaders }: Arrival): boolean {
    return rawHeaders.includes(`Bearer ${this.#agent.value}`);
  }

  close(): void {
    for (const probe of this.#probes) probe.close();
  }

  #idOf(id: string, { name }: WorkerProbe): string {
    return `${this.#agent.name}.${id}-${name}`;
  }
}

export class RevokeWorld {
  readonly #api: Api;

  private constructor(
    readonly world: ChaosWorld,
    readonly lanes: readonly RevokeLane[],
    api: Api,
  ) {
    this.#api = api;
  }

  static async start(workers: number, lanes: number, { redis }: Context): Promise<RevokeWorld> {
    const world = await startChaosWorld({ workers, redis });
    try {
      const { token } = await world.cluster.must<{ token: string }>('POST', '/api/api-keys', {
        name: 'chaos',
        roles: [{ role: 'owner', environments: ['*'] }],
      });
      const api = new Api(world.cluster.apiUrl, token);
      const processes = (await world.cluster.processes()).filter(({ kind }) => kind === 'worker');
      const made: RevokeLane[] = [];
      for (let number = 0; number < lanes; number += 1)
        made.push(new RevokeLane(world, await makeLaneAgent(world, `lane-${number}`), processes, api));
      await everyWorkerFollows(world.cluster);
      return new RevokeWorld(world, made, api);
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** The first one, for what is done with one alone. */
  get lane(): RevokeLane {
    const [first] = this.lanes;
    if (first === undefined) throw new Error('there is a lane');
    return first;
  }

  async stop(): Promise<void> {
    for (const lane of this.lanes) lane.close();
    this.#api.close();
    await this.world.stop();
  }
}

/** All lanes ask for the same host. The secret is not granted yet. */
async function makeLaneAgent({ cluster, agents }: ChaosWorld, name: string): Promise<LaneAgent> {
  const host = agents[0]?.host ?? '';
  const secret = `lanes/${name}`;
  const value = newCanary('lane');
  await cluster.must('POST', '/api/secrets', {
    name: secret,
    value,
    binding: { hosts: [host], surfaces: ['header'] },
  });
  const made = await cluster.must<{ token: string }>('POST', '/api/agents', { name, identities: [{ token: {} }] });
  const rules = [{ allow: { hosts: [host], paths: ['/v1/**'], secrets: [] } }];
  await cluster.must('POST', '/api/policies', { name, agents: [name], rules });
  return { name, token: made.token, secret, value, host };
}

/** With a key and over kept connections: a login costs a password's hash, and is not what is measured. */
class Api {
  readonly #url: string;
  readonly #key: string;
  readonly #http = new Agent({ keepAlive: true });

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  graphql(query: string): Promise<GraphqlAnswer> {
    const body = JSON.stringify({ query });
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${this.#key}`,
    };
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.#http, headers, timeout: 30_000 };
      const asked = request(`${this.#url}/graphql`, options, (answer) => {
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

  close(): void {
    this.#http.destroy();
  }
}

interface GraphqlAnswer {
  data?: { upsertPolicy?: { change?: string; isEverywhere?: boolean | null; errors?: unknown[] } };
}
