import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../api/api-client.ts';
import type { ChangeAnswer } from './plan-answer.ts';
import { requestApply } from './request-plan.ts';

let server: Server | undefined;
afterEach(() => void server?.close());

async function faultOf(answer: RequestListener | 'nobody listens'): Promise<{ message: string; hint: string }> {
  server = createServer(answer === 'nobody listens' ? undefined : answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  if (answer === 'nobody listens') await once(server.close(), 'close');
  const access = { apiUrl: `http://127.0.0.1:${port}`, authorization: 'Bearer x', proxyUrl: undefined, source: 'test' };
  const change: ChangeAnswer = {
    kind: 'agent',
    name: 'finance-1',
    action: 'CREATE',
    fields: [],
    makesToken: true,
    refused: null,
  };
  const body = { body: {}, place: () => '' };
  return await requestApply(new ApiClient(access), body, { planHash: 'ab', changes: [change] }).then(
    () => ({ message: '', hint: '' }),
    (error: { message: string; hint: string }) => error,
  );
}
const answers =
  (status: number, text: string): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);

describe('requestApply', () => {
  it('says that it may have been applied where the answer is lost, and how to come by the tokens', async () => {
    const losses: [string, RequestListener][] = [
      ['no answer', (request) => request.socket.destroy()],
      [
        'half an answer',
        (request, response) => {
          response.writeHead(200, { 'content-length': '100' }).write('{');
          setImmediate(() => request.socket.destroy());
        },
      ],
      ['a proxy in between that gave up', answers(504, 'timeout')],
      ['an answer that is none of ours', answers(200, 'hello')],
    ];
    for (const [loss, listener] of losses) {
      const { message, hint } = await faultOf(listener);
      expect(message, loss).toContain('it may have been applied');
      if (loss.endsWith('answer')) expect(message, loss).toContain('ended before its answer');
      expect(hint, loss).toContain('onecli agent rotate finance-1');
    }
  });

  it('does not say so where nothing was done', async () => {
    const refusal = '{"error":{"code":"CONFLICT","message":"plan again"}}';
    expect(await faultOf(answers(409, refusal))).toMatchObject({ message: 'plan again' });
    expect((await faultOf('nobody listens')).message).toMatch(/^no gateway answers/);
    const redirect = await faultOf((_request, response) => response.writeHead(301, { location: '/' }).end());
    expect(redirect.message).toContain('redirects');
  });
});
