import { answerAsServices } from './fake-services.ts';
import type { RecordedRequest, Reply, UpstreamHandler } from './upstream-connection.ts';

/** Hosts that the clients of docs/clients.md talk to. */
export const clientHosts = [
  'api.example.com',
  'api.openai.com',
  'api.anthropic.com',
  'api.github.com',
  'api.stripe.com',
  'files.stripe.com',
  'slack.com',
  's3.us-east-1.amazonaws.com',
  'www.googleapis.com',
  'mcp.example',
  'pypi.example',
  'registry.example',
  'crates.example',
  'git.example',
] as const;

type Answer = (request: RecordedRequest, reply: Reply, body: Buffer) => void | Promise<void>;

const json =
  (value: unknown, headers?: Record<string, string>): Answer =>
  (_request, reply) =>
    reply.json(200, value, headers);

/** What each service answers, as far as its client looks. The first whose pattern fits `METHOD host/target` counts. */
const answers: readonly [RegExp, Answer][] = [
  [/^GET api\.example\.com\/json/, json({ ok: true })],
  [/^GET api\.example\.com\/stream/, (_request, reply) => reply.events(['one', 'two', 'three'])],
  [/^POST api\.stripe\.com\/v1\/customers/, json({ id: 'cus_1', object: 'customer' })],
  [/^POST files\.stripe\.com\/v1\/files/, json({ id: 'file_1', object: 'file' })],
  [/^POST slack\.com\/api\/chat\.postMessage/, json({ ok: true, ts: '1.0' })],
  [/^GET s3\..*\/bucket\/a\.txt/, (_request, reply) => reply.send(200, { etag: '"e"' }, 'object')],
  [/^PUT s3\..*\/bucket\/a\.txt/, (_request, reply) => reply.send(200, { etag: '"e"' })],
  [/^GET www\.googleapis\.com\/drive\/v3\/files/, json({ files: [{ id: 'f1' }] })],
  [/^POST www\.googleapis\.com\/upload\/drive/, json({ id: 'f2' })],
  [/^POST mcp\.example\/mcp/, answerAsMcp],
  [/^(GET|DELETE) mcp\.example\/mcp/, (_request, reply) => reply.send(405, {})],
  [
    /^GET pypi\.example\/simple\/sample\//,
    (_request, reply) => reply.send(200, { 'content-type': 'text/html' }, simpleIndex),
  ],
  [
    /^GET registry\.example\/sample/,
    json({
      name: 'sample',
      'dist-tags': { latest: '1.2.3' },
      versions: { '1.2.3': { name: 'sample', version: '1.2.3' } },
    }),
  ],
  [/^PUT registry\.example\/sample/, json({ ok: true })],
  [
    /^GET crates\.example\/index\/config\.json/,
    json({ dl: 'https://crates.example/dl', api: 'https://crates.example', 'auth-required': true }),
  ],
  [
    /^GET crates\.example\/api\/v1\/crates\?/,
    json({ crates: [{ name: 'sample', description: 'A crate', max_version: '1.2.3' }], meta: { total: 1 } }),
  ],
  [
    /^PUT crates\.example\/api\/v1\/crates\/new/,
    json({ warnings: { invalid_categories: [], invalid_badges: [], other: [] } }),
  ],
];

const simpleIndex =
  '<a href="https://pypi.example/files/sample-1.2.3-py3-none-any.whl">sample-1.2.3-py3-none-any.whl</a>';

/** Answers as the services do that the clients of docs/clients.md are for; 401 to anything without the real key. */
export function answerClients(key: string): UpstreamHandler {
  const others = answerAsServices(new Set([key]));
  return async (request, reply) => {
    if (request.header('host')?.startsWith('api.openai') || request.header('host') === 'api.anthropic.com')
      return others(request, reply);
    if (/100-continue/i.test(request.header('expect') ?? '')) await reply.raw('HTTP/1.1 100 Continue\r\n\r\n');
    const body = await request.body();
    if (!carriesKey(request, key))
      return reply.json(401, { error: { message: 'wrong key' } }, { 'www-authenticate': 'Basic realm="test"' });
    const line = `${request.method} ${request.header('host') ?? ''}${request.target}`;
    const answer = answers.find(([pattern]) => pattern.test(line))?.[1];
    if (answer) return answer(request, reply, body);
    return reply.json(200, { ok: true, full_name: 'onecli/onecli', length: body.length, sha256: request.bodySha256() });
  };
}

function carriesKey(request: RecordedRequest, key: string): boolean {
  const credential = request.header('authorization') ?? '';
  const basic = /^basic /i.test(credential) ? Buffer.from(credential.slice(6), 'base64').toString() : '';
  return credential.replace(/^(bearer|token) /i, '') === key || basic.endsWith(`:${key}`);
}

/** One answer as JSON, the other as an event stream: a server may choose (MCP, Streamable HTTP). */
async function answerAsMcp(_request: RecordedRequest, reply: Reply, body: Buffer): Promise<void> {
  const { id, method, params } = JSON.parse(body.toString()) as {
    id?: number;
    method: string;
    params?: { protocolVersion?: string };
  };
  if (method === 'initialize') {
    const result = {
      protocolVersion: params?.protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'fake', version: '1.0.0' },
    };
    return reply.json(200, { jsonrpc: '2.0', id, result });
  }
  if (method !== 'tools/list') return reply.send(202, {});
  const message = { jsonrpc: '2.0', id, result: { tools: [{ name: 'one', inputSchema: { type: 'object' } }] } };
  const event = `event: message\ndata: ${JSON.stringify(message)}\n\n`;
  return reply.send(200, { 'content-type': 'text/event-stream' }, event);
}
