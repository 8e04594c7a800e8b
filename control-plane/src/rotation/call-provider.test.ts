import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { parseConnectTo } from '@onecli/shared/netguard/connect-to';
import { createUpstreamContext } from '@onecli/shared/netguard/upstream-context';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GuardedCaller } from './call-provider.ts';
import { type Provider, providerHost, startProvider } from './testing/provider.ts';

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider('admin-key');
});
afterAll(() => provider.close());

function newCaller(timeoutMs: number, maxAnswerBytes = 1_000): GuardedCaller {
  const parsed = parseConnectTo(`${providerHost}:443=127.0.0.1:${provider.port}`);
  if (parsed.kind !== 'connect-to') throw new Error('no connect-to');
  const guard = new AddressGuard({ allowRanges: ['127.0.0.1/32'], ownListeners: [] });
  const resolver = new CheckedResolver({ guard, connectTo: parsed.connectTo });
  return new GuardedCaller({
    resolver,
    secureContext: createUpstreamContext(provider.rootsPem),
    timeoutMs,
    maxAnswerBytes,
  });
}

const asked = { method: 'POST', url: new URL(`https://${providerHost}/keys`), headers: {}, body: '{}' };
const never = new AbortController().signal;

describe('GuardedCaller', () => {
  it('does not wait for ever when a provider goes over to another protocol', async () => {
    provider.override = (request) => {
      request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    };
    const called = newCaller(60_000).call(asked, never);
    await expect(called).rejects.toThrow(`${providerHost} did not answer in HTTP`);
  });

  it('takes an answer whose end is that of its connection', async () => {
    provider.override = (request) => {
      request.socket.end('HTTP/1.0 200 OK\r\n\r\n{"value":"v"}');
    };
    expect(await newCaller(60_000).call(asked, never)).toEqual({ status: 200, body: '{"value":"v"}' });
  });

  it.each([
    ['is not answered', '', 'did not answer in time'],
    ['is answered in part', 'HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{"va', 'did not answer in time'],
  ])('ends a call that %s when its time is over', async (_what, answer, message) => {
    provider.override = (request) => void request.socket.write(answer);
    await expect(newCaller(300).call(asked, never)).rejects.toThrow(`${providerHost} ${message}`);
  });

  const head = 'HTTP/1.1 201 Created\r\n';
  it.each([
    ['is cut', `${head}Content-Length: 9\r\n\r\n{"va`, 'ended its answer in the middle'],
    ['has a bad chunk', `${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n{"va`, 'did not answer in HTTP'],
    ['is no HTTP', '220 mail ready\r\n\r\n', 'did not answer in HTTP'],
    ['is too long', `${head}Content-Length: 1001\r\n\r\n${'v'.repeat(1_001)}`, 'answered more than 1000 bytes'],
  ])('tells of an answer that %s, after which a key may be there', async (_what, answer, message) => {
    provider.override = (request) => void request.socket.end(answer);
    await expect(newCaller(60_000).call(asked, never)).rejects.toMatchObject({
      message: `${providerHost} ${message}`,
      leftNothing: false,
    });
  });
});
