import { createHash } from 'node:crypto';
import type { UpstreamHandler } from './upstream-connection.ts';

/** The services' hosts, and the secrets that are bound to them. */
export const serviceSecrets = {
  'prod/openai': ['api.openai.com'],
  'prod/anthropic': ['api.anthropic.com'],
  'prod/github': ['api.github.com', 'git.example'],
} as const;

/** Answers as OpenAI, Anthropic and GitHub do, as far as their SDKs look; 401 for anything but the real keys. */
export function answerAsServices(keys: ReadonlySet<string>): UpstreamHandler {
  let failuresLeft = 1;
  return async (request, reply) => {
    if (/100-continue/i.test(request.header('expect') ?? '')) await reply.raw('HTTP/1.1 100 Continue\r\n\r\n');
    const credential = request.header('x-api-key') ?? request.header('authorization')?.replace(/^(bearer|token) /i, '');
    const body = await request.body();
    if (credential === undefined || !keys.has(credential)) return reply.json(401, { error: { message: 'wrong key' } });
    switch (`${request.method} ${request.target}`) {
      case 'POST /v1/chat/completions':
        return /"stream": ?true/.test(body.toString())
          ? reply.events(openaiChunks())
          : reply.json(200, openaiCompletion('Hello.'));
      case 'POST /v1/files':
        return reply.json(200, { id: 'file-1', object: 'file', bytes: body.length, sha256: sha256(body) });
      case 'GET /v1/models':
        failuresLeft -= 1;
        return failuresLeft >= 0
          ? reply.json(500, { error: { message: 'try again' } })
          : reply.json(200, { object: 'list', data: [{ id: 'gpt' }] });
      case 'POST /v1/messages':
        return /"stream": ?true/.test(body.toString())
          ? reply.raw(anthropicStream())
          : reply.json(200, anthropicMessage('Hello.'));
      case 'GET /repos/onecli/onecli':
        return reply.json(200, { id: 1, full_name: 'onecli/onecli' });
      case 'POST /v1/echo':
        return reply.json(200, { length: body.length, sha256: sha256(body) });
      case 'GET /v1/stream':
        return reply.events(['one', 'two', 'three']);
      case 'GET /v1/big':
        return reply.chunked(
          200,
          {},
          Array.from({ length: 64 }, () => Buffer.alloc(64 * 1024, 'x')),
        );
      case 'GET /v1/none':
        return reply.raw('HTTP/1.1 204 No Content\r\n\r\n');
      case 'GET /v1/until-close':
        await reply.raw('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil close');
        return reply.end();
      default:
        return reply.json(200, { ok: true });
    }
  };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function openaiCompletion(content: string): unknown {
  const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }];
  return { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'gpt', choices };
}

function openaiChunks(): unknown[] {
  const chunk = (delta: unknown, reason: string | null): unknown => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt',
    choices: [{ index: 0, delta, finish_reason: reason }],
  });
  return [...['Hel', 'lo', '.'].map((content) => chunk({ content }, null)), chunk({}, 'stop'), '[DONE]'];
}

function anthropicMessage(text: string): Record<string, unknown> {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
}

function anthropicStream(): string {
  const event = (type: string, rest: Record<string, unknown>): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
  const delta = (text: string): string =>
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  const text = [
    event('message_start', { message: { ...anthropicMessage(''), content: [], stop_reason: null } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...['Hel', 'lo', '.'].map(delta),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 3 } }),
    event('message_stop', {}),
  ].join('');
  return `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
