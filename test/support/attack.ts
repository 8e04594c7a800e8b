import { expect } from 'vitest';
import { canariesIn, canariesInFolder } from './canary.ts';
import { enterProxy, openTunnel, type TunnelOptions } from './raw-agent.ts';
import type { RawConnection, RawResponse } from './raw-connection.ts';
import type { AuditItem, World } from './world.ts';

/** What to send, and how to come in. */
export interface AttackPlan {
  /** CONNECT and TLS first (the default), or straight to the proxy port. */
  entry?: 'tunnel' | 'plain';
  tunnel?: Partial<TunnelOptions>;
  /** The exact bytes, inside the tunnel. Absent: the CONNECT is the attack. */
  bytes?: string | Buffer;
  /** Whose framing the answer has. Default GET. */
  method?: string;
}

/** The three things that an attack can be judged by at once; the fourth, the canary search, is {@link expectCanariesNowhere}. */
export interface AttackOutcome {
  /** Answer to the request, or to the CONNECT where that was refused. */
  answer: RawResponse;
  /** Everything that the agent got back. */
  agentBytes: Buffer;
  /** Everything that the upstream got, with the number of its TCP connections. */
  upstreamBytes: Buffer;
  upstreamRequests: number;
  events: AuditItem[];
  connection: RawConnection | undefined;
}

/** Makes the attack and collects what every side saw of it. */
export async function attack(world: World, plan: AttackPlan): Promise<AttackOutcome> {
  const since = Date.now() - 1;
  const known = new Set((await world.auditSince(since - 5_000)).map((item) => item.id));
  world.upstream.reset();
  const { answer, connection } = await strike(world, plan);
  const upstreamBytes = world.upstream.receivedBytes();
  const upstreamRequests = world.upstream.requests.length;
  const events = (await world.auditSince(since - 5_000)).filter((item) => !known.has(item.id));
  const agentBytes = connection?.received() ?? Buffer.from(answer.text);
  expect(canariesIn(agentBytes, world.canaries)).toEqual([]);
  return { answer, agentBytes, upstreamBytes, upstreamRequests, events, connection };
}

async function strike(
  world: World,
  plan: AttackPlan,
): Promise<{ answer: RawResponse; connection: RawConnection | undefined }> {
  if (plan.entry === 'plain') {
    const connection = await enterProxy({ ...plan.tunnel, proxyPort: world.onecli.proxyPort });
    connection.send(plan.bytes ?? '');
    return { answer: await connection.readResponse(plan.method), connection };
  }
  const options = {
    proxyPort: world.onecli.proxyPort,
    agent: world.agent,
    token: world.token,
    ca: world.caPem,
    ...plan.tunnel,
  };
  const tunnel = await openTunnel(options);
  if (tunnel.kind === 'tls-failed') return { answer: tunnel.answer, connection: undefined };
  if (tunnel.kind === 'refused' || plan.bytes === undefined)
    return { answer: tunnel.answer, connection: tunnel.connection };
  tunnel.connection.send(plan.bytes);
  return { answer: await tunnel.connection.readResponse(plan.method), connection: tunnel.connection };
}

/**
 * A refusal: the status, the code in header and body, nothing at the upstream, and one audit event with the reason.
 * What fails behind us (5xx) had been allowed: the decision says so, the reason tells what went wrong.
 */
export function expectRefusal(outcome: AttackOutcome, status: number, code: string): void {
  expectOwnAnswer(outcome.answer, status, code);
  expect(outcome.upstreamBytes.toString('latin1')).toBe('');
  expect(
    outcome.events.map(({ decision, reason, status: recorded }) => ({ decision, reason, status: recorded })),
  ).toEqual([{ decision: status === 502 ? 'allow' : 'deny', reason: code, status }]);
}

/** An answer that OneCLI itself makes: its code in `x-onecli-error` and in a JSON body with message, hint and request id. */
export function expectOwnAnswer(answer: RawResponse, status: number, code: string): void {
  expect({ status: answer.status, code: answer.header('x-onecli-error') }).toEqual({ status, code });
  const { error } = answer.json as { error: Record<string, unknown> };
  const text = expect.any(String) as string;
  const docs = `http://onecli.internal/errors/${code}`;
  expect(error).toEqual({ code, message: text, hint: text, docs, requestId: text });
  expect(['true', 'false']).toContain(answer.header('x-should-retry'));
}

/** Where framing is in doubt the connection has to end. */
export async function expectClosed(outcome: AttackOutcome): Promise<void> {
  await outcome.connection?.untilClosed(10_000);
}

/** Searches the log, the data folder and the given answers for the world's secrets in any encoding. */
export function expectCanariesNowhere(world: World): void {
  expect(canariesIn(world.onecli.log, world.canaries)).toEqual([]);
  expect(canariesInFolder(world.onecli.dataFolder, world.canaries)).toEqual([]);
}
