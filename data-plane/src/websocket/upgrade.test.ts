import { describe, expect, it } from 'vitest';
import { type Header, headerValue, type RequestHead, type ResponseHead } from '../wire/head.ts';
import { judgeAcceptance, readUpgrade, upgradeHeaders, type WebSocketUpgrade } from './upgrade.ts';

/** The example of RFC 6455 1.3. */
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const asked: [string, string][] = [
  ['Upgrade', 'WebSocket'],
  ['Connection', 'keep-alive, Upgrade'],
  ['Sec-WebSocket-Key', key],
  ['Sec-WebSocket-Version', '13'],
];
const answered: [string, string][] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Accept', accept],
];

function headers(fields: readonly (readonly [string, string])[]): Header[] {
  return fields.map(([rawName, value]) => ({ name: rawName.toLowerCase(), rawName, value }));
}

function request(fields: readonly (readonly [string, string])[], method = 'GET', minor: 0 | 1 = 1): RequestHead {
  return { method, minor, target: '/', headers: headers(fields) };
}

function response(fields: readonly (readonly [string, string])[], minor: 0 | 1 = 1): ResponseHead {
  return { status: 101, reason: 'Switching Protocols', minor, headers: headers(fields) };
}

function mustRead(...more: [string, string][]): WebSocketUpgrade {
  const upgrade = readUpgrade(request([...asked, ...more]));
  if (upgrade?.kind !== 'websocket') throw new Error('no WebSocket');
  return upgrade;
}

describe('readUpgrade', () => {
  it('a request without Upgrade asks for none', () => {
    expect(readUpgrade(request([['Connection', 'Upgrade']]))).toBeUndefined();
  });

  it('a WebSocket with subprotocols and extensions over several fields', () => {
    const upgrade = mustRead(
      ['Sec-WebSocket-Protocol', 'chat, superchat'],
      ['Sec-WebSocket-Protocol', 'v2'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate'],
    );
    expect(upgrade).toMatchObject({ key, protocols: ['chat', 'superchat', 'v2'] });
    expect(upgrade.offers).toHaveLength(2);
  });

  it.each([
    ['another protocol', 'h2c'],
    ['a list', 'websocket, h2c'],
    ['a version', 'websocket/13'],
  ])('%s is not supported', (_what, value) => {
    expect(readUpgrade(request([['Upgrade', value], ...asked.slice(1)]))).toEqual({ kind: 'unsupported' });
  });

  it.each<[string, RequestHead]>([
    ['a POST', request(asked, 'POST')],
    ['HTTP/1.0', request(asked, 'GET', 0)],
    ['no Connection', request(asked.filter(([name]) => name !== 'Connection'))],
    ['Connection: Upgrades', request([['Connection', 'Upgrades'], ...asked.filter(([name]) => name !== 'Connection')])],
    ['no key', request(asked.filter(([name]) => name !== 'Sec-WebSocket-Key'))],
    [
      'a key with bits to spare',
      request([
        ...asked.filter(([name]) => name !== 'Sec-WebSocket-Key'),
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZR=='],
      ]),
    ],
    ['no version', request(asked.filter(([name]) => name !== 'Sec-WebSocket-Version'))],
    ['two versions', request([...asked, ['Sec-WebSocket-Version', '13']])],
  ])('%s is malformed', (_what, head) => expect(readUpgrade(head)).toMatchObject({ kind: 'malformed' }));
});

describe('upgradeHeaders', () => {
  it('the extensions that are understood stand in for those that were asked for', () => {
    const upgrade = mustRead(['Sec-WebSocket-Extensions', 'x-other, permessage-deflate']);
    const forwarded = upgradeHeaders(headers([['Sec-WebSocket-Extensions', 'x-other, permessage-deflate']]), upgrade);
    expect(forwarded.filter(({ name }) => name === 'sec-websocket-extensions')).toHaveLength(1);
    expect(headerValue(forwarded, 'sec-websocket-extensions')).toBe('permessage-deflate');
    expect(headerValue(forwarded, 'connection')).toBe('Upgrade');
    expect(headerValue(forwarded, 'upgrade')).toBe('websocket');
  });

  it('none are asked for when none are understood', () => {
    const upgrade = mustRead(['Sec-WebSocket-Extensions', 'x-other']);
    const forwarded = upgradeHeaders(headers([['Sec-WebSocket-Extensions', 'x-other']]), upgrade);
    expect(headerValue(forwarded, 'sec-websocket-extensions')).toBeUndefined();
  });
});

describe('judgeAcceptance', () => {
  it('the answer of RFC 6455 1.3 is taken, and its hop-by-hop headers are replaced by ours', () => {
    const head = response([...answered, ['Keep-Alive', 'timeout=5'], ['X-App', 'a']]);
    const accepted = judgeAcceptance(head, mustRead());
    expect(accepted).toMatchObject({ kind: 'accepted', deflate: undefined });
    const names = accepted.kind === 'accepted' ? accepted.headers.map(({ name }) => name) : [];
    expect(names).toEqual(['upgrade', 'connection', 'sec-websocket-accept', 'x-app']);
  });

  it('a subprotocol and an extension that were offered are taken', () => {
    const upgrade = mustRead(['Sec-WebSocket-Protocol', 'chat'], ['Sec-WebSocket-Extensions', 'permessage-deflate']);
    const more: [string, string][] = [
      ['Sec-WebSocket-Protocol', 'chat'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate'],
    ];
    expect(judgeAcceptance(response([...answered, ...more]), upgrade)).toMatchObject({
      kind: 'accepted',
      deflate: { clientMaxWindowBits: 15 },
    });
  });

  it.each<[string, ResponseHead]>([
    ['HTTP/1.0', response(answered, 0)],
    ['another Upgrade', response([['Upgrade', 'h2c'], ...answered.slice(1)])],
    ['no Connection', response(answered.filter(([name]) => name !== 'Connection'))],
    ['another Accept', response([...answered.slice(0, 2), ['Sec-WebSocket-Accept', key]])],
    ['two Accepts', response([...answered, ['Sec-WebSocket-Accept', accept]])],
    ['a Transfer-Encoding', response([...answered, ['Transfer-Encoding', 'chunked']])],
    ['a subprotocol', response([...answered, ['Sec-WebSocket-Protocol', 'chat']])],
    ['an extension', response([...answered, ['Sec-WebSocket-Extensions', 'permessage-deflate']])],
  ])('%s that does not belong there is refused', (_what, head) => {
    expect(judgeAcceptance(head, mustRead())).toMatchObject({ kind: 'refused' });
  });
});
