import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { connectHead, openRaw } from './raw-agent.ts';
import { waitUntil, within } from './wait-until.ts';
import type { World } from './world.ts';

/** The TLS socket of a tunnel in which only HTTP/2 was offered; nothing of HTTP/2 was sent yet. */
export async function openHttp2Socket(world: World, host: string, servername = host): Promise<TLSSocket> {
  const raw = await openRaw(world.onecli.proxyPort);
  raw.send(connectHead(`${host}:443`, world.agent, world.token));
  const answer = await raw.readResponse('CONNECT');
  if (answer.status !== 200) throw new Error(`the tunnel did not open: ${answer.text}`);
  const socket = connectTls({
    socket: raw.release(),
    servername,
    ca: world.caPem,
    ALPNProtocols: ['h2'],
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => undefined);
  await within('the TLS handshake', once(socket, 'secureConnect'), 10_000);
  return socket;
}

/** An HTTP/2 session of the world's agent to a host. */
export async function openHttp2Session(world: World, host: string, servername = host): Promise<ClientHttp2Session> {
  const socket = await openHttp2Socket(world, host, servername);
  const session = connect(`https://${host}`, { createConnection: () => socket });
  session.on('error', () => undefined);
  return session;
}

/** Waits until the worker has heard of a policy by which the agent may reach the host. */
export async function untilReachable(world: World, host: string): Promise<void> {
  await waitUntil('the agent may reach the host', async () => {
    (await openHttp2Socket(world, host)).destroy();
    return true;
  });
}

/** What came of one request. */
export interface StreamOutcome {
  status: number;
  headers: IncomingHttpHeaders;
  interim: number[];
  text: string;
  trailers: IncomingHttpHeaders;
  /** The answer's end was told by END_STREAM as far as the client can tell. */
  hasEnded: boolean;
  rstCode: number;
}

/** Sends a request and gives what came back once its stream is closed. */
export function request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<StreamOutcome> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return outcomeOf(stream);
}

/** Follows a stream to its end. */
export function outcomeOf(stream: ClientHttp2Stream): Promise<StreamOutcome> {
  const outcome: StreamOutcome = {
    status: 0,
    headers: {},
    interim: [],
    text: '',
    trailers: {},
    hasEnded: false,
    rstCode: 0,
  };
  stream.on('headers', (headers) => outcome.interim.push(Number(headers[':status'])));
  stream.on('response', (headers) => {
    outcome.status = Number(headers[':status']);
    outcome.headers = headers;
  });
  stream.on('trailers', (trailers) => (outcome.trailers = trailers));
  stream.on('data', (chunk: Buffer) => (outcome.text += chunk.toString('utf8')));
  stream.on('end', () => (outcome.hasEnded = true));
  stream.on('error', () => undefined);
  const closed = new Promise<StreamOutcome>((resolve) => {
    stream.once('close', () => resolve({ ...outcome, rstCode: stream.rstCode }));
  });
  return within('the end of a stream', closed, 20_000);
}
