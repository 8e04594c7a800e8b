/** What the agents of the load do, each request told by an id in its path. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { mustOpenTunnel, requestBytes } from '../support/raw-agent.ts';
import type { RawConnection, RawResponse } from '../support/raw-connection.ts';
import { within } from '../support/wait-until.ts';
import { streamParts } from './chaos-upstream.ts';
import type { ChaosAgent } from './chaos-world.ts';

export const requestKinds = [
  'keep',
  'fresh',
  'stream',
  'upload',
  'echo',
  'plain',
  'ungranted',
  'misbound',
  'socket',
] as const;
export type RequestKind = (typeof requestKinds)[number];

/** One request that the load means to make. */
export interface Plan {
  readonly id: string;
  readonly kind: RequestKind;
  readonly agent: ChaosAgent;
}

/** What the agent saw of it. */
export interface Outcome extends Plan {
  readonly startMs: number;
  readonly endMs: number;
  /** Which tunnel, and since when it was open; undefined when none opened. */
  readonly tunnel: number | undefined;
  readonly openedMs: number | undefined;
  /** It was sent again because a connection that was open already had ended before any byte of an answer. */
  readonly isRetried: boolean;
  /** Undefined when no whole answer came. */
  readonly status: number | undefined;
  /** Why it failed, or what is wrong with the answer. */
  readonly problem: string | undefined;
  /** What came back, for a search for secrets. */
  readonly text: string;
}

interface Tunnel {
  readonly number: number;
  readonly openedMs: number;
  readonly connection: RawConnection;
  isUsed: boolean;
}

/** What an answer has to be. */
export function expectedStatus(kind: RequestKind): number {
  if (kind === 'socket') return 101;
  return kind === 'ungranted' || kind === 'misbound' ? 403 : 200;
}

const uploadBody = Buffer.alloc(48 * 1024, 'chaos');
const uploadSum = createHash('sha256').update(uploadBody).digest('hex');
const answerMs = 20_000;

/** The agents, with the tunnels that they keep. */
export class AgentRequests {
  readonly #proxyPort: number;
  readonly #caPem: string;
  readonly #idle = new Map<string, Tunnel[]>();
  #tunnels = 0;

  constructor(proxyPort: number, caPem: string) {
    this.#proxyPort = proxyPort;
    this.#caPem = caPem;
  }

  /** Never rejects. */
  async make(plan: Plan): Promise<Outcome> {
    const startMs = Date.now();
    let tunnel: Tunnel | undefined;
    const seen = { status: undefined as number | undefined, text: '', isRetried: false };
    let problem: string | undefined;
    try {
      const isKept = plan.kind === 'keep' || plan.kind === 'plain';
      tunnel = (isKept ? this.#takeIdle(plan) : undefined) ?? (await this.#open(plan));
      if (plan.kind === 'socket') {
        Object.assign(seen, await this.#converse(plan, tunnel));
        if (seen.status !== expectedStatus(plan.kind)) problem = `${seen.status} ${seen.text.slice(0, 300)}`;
      } else {
        let answer: RawResponse;
        try {
          answer = await ask(plan, tunnel);
        } catch (error) {
          // RFC 9110, section 9.2.2: what clients do with an idempotent request on a connection that had ended.
          if (!tunnel.isUsed || tunnel.connection.unread().length > 0 || tunnel.connection.ended === 'open')
            throw error;
          seen.isRetried = true;
          tunnel = await this.#open(plan);
          answer = await ask(plan, tunnel);
        }
        seen.status = answer.ending === 'cut' ? undefined : answer.status;
        seen.text = answer.text + answer.headers.flat().join('\n');
        problem = judge(plan, answer);
        if (isKept && problem === undefined && !/close/i.test(answer.header('connection') ?? ''))
          this.#keep(plan, tunnel);
        else tunnel.connection.close();
      }
    } catch (error) {
      problem = (error as Error).message;
      tunnel?.connection.close();
    }
    const { number, openedMs } = tunnel ?? {};
    return { ...plan, startMs, endMs: Date.now(), tunnel: number, openedMs, ...seen, problem };
  }

  close(): void {
    for (const tunnels of this.#idle.values()) for (const { connection } of tunnels) connection.close();
  }

  async #open({ agent, kind }: Plan): Promise<Tunnel> {
    const connection = await mustOpenTunnel({
      proxyPort: this.#proxyPort,
      ca: this.#caPem,
      agent: agent.name,
      token: agent.token,
      authority: `${hostOf(agent, kind)}:443`,
    });
    return { number: ++this.#tunnels, openedMs: Date.now(), connection, isUsed: false };
  }

  #takeIdle({ agent, kind }: Plan): Tunnel | undefined {
    const idle = this.#idle.get(`${agent.name} ${hostOf(agent, kind)}`) ?? [];
    for (let tunnel = idle.pop(); tunnel !== undefined; tunnel = idle.pop())
      if (tunnel.connection.ended === 'open') return tunnel;
    return undefined;
  }

  #keep({ agent, kind }: Plan, tunnel: Tunnel): void {
    tunnel.isUsed = true;
    const key = `${agent.name} ${hostOf(agent, kind)}`;
    const idle = this.#idle.get(key) ?? [];
    this.#idle.set(key, idle);
    idle.push(tunnel);
  }

  async #converse({ id, agent }: Plan, tunnel: Tunnel): Promise<{ status: number; text: string }> {
    const socket = new WebSocket(`wss://${agent.host}/v1/socket/${id}`, {
      perMessageDeflate: false,
      headers: { authorization: `Bearer onecli://${agent.secret}` },
      createConnection: () => tunnel.connection.release(),
    });
    const received: string[] = [];
    try {
      const refusal = await within('the WebSocket opens', opened(socket), answerMs);
      if (refusal !== undefined) return refusal;
      for (let turn = 0; turn < 3; turn += 1) {
        const echoed = within('an echo', eventOf(socket, 'message'), answerMs);
        socket.send(`turn ${turn}`);
        received.push(String(await echoed));
        await pause(40);
      }
      return { status: 101, text: received.join('\n') };
    } finally {
      socket.on('error', () => undefined);
      socket.terminate();
    }
  }
}

/** Gives the answer where the upgrade is refused. */
function opened(socket: WebSocket): Promise<{ status: number; text: string } | undefined> {
  const refused = new Promise<{ status: number; text: string }>((resolve, reject) => {
    socket.once('unexpected-response', (_request, answer: IncomingMessage) => {
      readText(answer).then((text) => resolve({ status: answer.statusCode ?? 0, text }), reject);
    });
  });
  return Promise.race([eventOf(socket, 'open').then(() => undefined), refused]);
}

function eventOf(socket: WebSocket, name: 'open' | 'message'): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.once(name, (value?: unknown) => resolve(value));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the WebSocket was closed')));
  });
}

function hostOf(agent: ChaosAgent, kind: RequestKind): string {
  return kind === 'ungranted' || kind === 'misbound' ? agent.otherHost : agent.host;
}

function ask({ id, kind, agent }: Plan, { connection }: Tunnel): Promise<RawResponse> {
  const secret = kind === 'ungranted' ? agent.otherSecret : agent.secret;
  const headers = {
    host: hostOf(agent, kind),
    ...(kind !== 'plain' && { authorization: `Bearer onecli://${secret}` }),
  };
  const method = kind === 'upload' ? 'POST' : 'GET';
  connection.send(requestBytes(method, `/v1/${kind}/${id}`, headers, kind === 'upload' ? uploadBody : ''));
  return connection.readResponse(method, answerMs);
}

/** What is wrong with an answer, if anything is. */
function judge({ id, kind, agent }: Plan, answer: RawResponse): string | undefined {
  if (answer.status !== expectedStatus(kind)) return `${answer.status} ${answer.text.slice(0, 300)}`;
  if (answer.ending === 'cut') return 'the answer was cut';
  if (kind === 'upload' && answer.text !== uploadSum) return 'the upload arrived as something else';
  if (kind === 'stream' && answer.text.split('data:').length !== streamParts + 1)
    return 'a part of the stream is missing';
  if (kind === 'echo' && !answer.text.includes(`onecli://${agent.secret}`)) return 'the echo has no placeholder';
  if ((kind === 'keep' || kind === 'fresh') && (answer.json as { id: string }).id !== id)
    return "another request's answer";
  return undefined;
}
