/**
 * A tunnel by a rule with `tunnel`: the agent speaks TLS with the host itself. Nobody here sees what is said, and no
 * credential is put in. What is certain is where it goes: the checked address is dialled, and the name in the
 * ClientHello, if there is one, is that of the CONNECT (rules 1, 8).
 */
import type { Socket } from 'node:net';
import type { RuleLimits } from '@onecli/shared/domain/compile-rule';
import { mayReachHost } from '@onecli/shared/domain/evaluate-policy';
import { confirmIdentity, type Identity } from '../identity/identify.ts';
import { limitRequest } from '../policy/limit-request.ts';
import { readClientHello } from '../tls/client-hello.ts';
import { type Authority, parseAuthority } from '@onecli/shared/wire/parse-authority';
import { type OwnAnswer, type Refusal, refusal } from './answer.ts';
import { answerRefusal } from './answer-refusal.ts';
import type { DataPlane } from './data-plane.ts';
import { dial } from './dial.ts';
import type { Exchange } from './exchange.ts';
import type { Http1Agent } from './http1-agent.ts';

import { JoinedSockets } from './join-sockets.ts';
import type { Broken, Forwarded } from './outgoing.ts';

/** What was asked for, and allowed, to be passed through. */
export interface PassThrough {
  readonly kind: 'pass-through';
  readonly identity: Identity;
  readonly destination: Authority;
  readonly limits: readonly RuleLimits[];
}

const established = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n', 'latin1');
const handshakeRecord = 0x16;
/** A fatal alert record, unrecognized_name (RFC 6066 section 3). */
const unrecognizedName = Buffer.from([21, 3, 3, 0, 2, 2, 112]);
/** How soon a tunnel ends whose rule or identity was taken away. */
const lookEveryMs = 1000;

/** Serves the tunnel to its end and records it; or gives a refusal of the CONNECT, to be answered and recorded. */
export async function passThrough(
  plane: DataPlane,
  agent: Http1Agent,
  exchange: Exchange,
  asked: PassThrough,
): Promise<'taken' | Refusal> {
  const { limits, identity, destination } = asked;
  plane.underway++;
  try {
    const limited = limits.length > 0 ? await limitRequest(plane, exchange, limits, identity.agent.id) : undefined;
    if (limited) return limited;
    exchange.decided();
    const dialled = await dial({ host: destination.host, port: destination.port, isSecure: false }, plane.dialling);
    if (dialled.kind === 'refused') return dialled;
    const end = await join(plane, agent, dialled.socket, { exchange, asked });
    if (end !== 'recorded') exchange.record(end);
    return 'taken';
  } finally {
    exchange.release();
    plane.underway--;
  }
}

interface Joining {
  readonly exchange: Exchange;
  readonly asked: PassThrough;
}

/** From the 200 on: nothing goes to the host before the ClientHello was looked at. */
async function join(
  plane: DataPlane,
  agent: Http1Agent,
  upstream: Socket,
  joining: Joining,
): Promise<Forwarded | 'recorded'> {
  upstream.on('error', () => undefined);
  upstream.allowHalfOpen = true;
  agent.socket.allowHalfOpen = true;
  await agent.write([established]);
  const opening = await readOpening(agent, plane.limits.handshakeMs, joining.asked.destination);
  if (opening.kind === 'hello') return passOn(plane, agent, upstream, { ...joining, hello: opening.bytes });
  upstream.destroy();
  if (opening.kind === 'refused') {
    const send = (own: OwnAnswer) => agent.answer(own, '', true);
    await answerRefusal(opening, { exchange: joining.exchange, method: '', send });
  } else if (opening.code === 'MISDIRECTED') await agent.write([unrecognizedName]);
  agent.closeGently();
  return opening.kind === 'refused' ? 'recorded' : opening;
}

type Opening = { readonly kind: 'hello'; readonly bytes: Buffer } | Refusal | Broken;

/** Takes the agent's bytes until its ClientHello is whole and names the host. */
async function readOpening(agent: Http1Agent, handshakeMs: number, destination: Authority): Promise<Opening> {
  const chunks: Buffer[] = [];
  let receivedBytes = 0;
  let neededBytes = 1;
  agent.deadline.extend(handshakeMs);
  for (;;) {
    const next = await agent.reader.read();
    if (typeof next === 'string') return broken('AGENT_GONE');
    chunks.push(next);
    receivedBytes += next.length;
    if (receivedBytes < neededBytes) continue;
    const bytes = Buffer.concat(chunks);
    if (bytes[0] !== handshakeRecord) return refusal('BAD_REQUEST', 'Only TLS may go through this tunnel.');
    const hello = readClientHello(bytes);
    if (hello.kind === 'malformed') return broken('TLS_HANDSHAKE_FAILED');
    if (hello.kind === 'hello') {
      agent.deadline.clear();
      return isNameOf(destination, hello.serverName) ? { kind: 'hello', bytes } : broken('MISDIRECTED');
    }
    neededBytes = hello.neededBytes;
  }
}

/** Rule 1: the SNI, if one was sent, is the CONNECT host. */
function isNameOf(destination: Authority, serverName: string | undefined): boolean {
  if (serverName === undefined) return true;
  const named = parseAuthority(serverName, destination.port);
  return named.kind === 'authority' && named.host === destination.host;
}

function broken(code: Broken['code'], responseBytes = 0): Broken {
  return { kind: 'broken', code, status: responseBytes === 0 ? 0 : 200, responseBytes };
}

/** Bytes both ways, for as long as the agent and its rule are there. */
async function passOn(
  plane: DataPlane,
  agent: Http1Agent,
  upstream: Socket,
  { exchange, asked, hello }: Joining & { readonly hello: Buffer },
): Promise<Forwarded> {
  const rest = agent.reader.detach();
  upstream.write(Buffer.concat([hello, rest]));
  const joined = new JoinedSockets(agent.socket, upstream, { clock: plane.clock, idleMs: plane.limits.bodyIdleMs });
  let withdrawn: Broken['code'] | undefined;
  const lookAgain = (): void => {
    withdrawn ??= whyNotNow(plane, asked);
    if (withdrawn) joined.cut();
    else look.extend(lookEveryMs);
  };
  const look = plane.clock.deadline(lookAgain);
  look.extend(lookEveryMs);
  agent.connection.holder = { lookAgain };
  await joined.ended;
  look.clear();
  exchange.sentBytes = hello.length + rest.length + joined.forthBytes;
  const responseBytes = joined.backBytes;
  return withdrawn
    ? { ...broken(withdrawn), status: 200, responseBytes }
    : { kind: 'answered', status: 200, responseBytes };
}

/** Policy is asked again while the tunnel is open: what would not be let in now does not go on. */
function whyNotNow(plane: DataPlane, { identity, destination }: PassThrough): Broken['code'] | undefined {
  const configuration = plane.configuration.current;
  if (!configuration) return undefined;
  const known = confirmIdentity(identity, configuration, Date.now());
  if (known.kind === 'refused') return 'PROXY_AUTH_INVALID';
  const rules = configuration.policyOf(known.agent).rulesFor(destination.host, destination.port);
  const decision = mayReachHost(rules, Date.now());
  return decision.kind === 'allow' && decision.options.tunnel ? undefined : 'POLICY_DENIED';
}
