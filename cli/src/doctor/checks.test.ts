import { describe, expect, it } from 'vitest';
import { checkClock, holdsCertificate, judgeRefusal, judgeTunnel, probeHost } from './check-gateway.ts';
import { checkCaVariables, checkNode, checkProxyVariables, readNamedProxy } from './check-variables.ts';
import { parseAnswerHead } from './probe-gateway.ts';

const proxy = 'http://my-agent:tok%2F1@127.0.0.1:10254';
const good = { HTTPS_PROXY: proxy, https_proxy: proxy, NO_PROXY: 'localhost,127.0.0.1,::1' };
const kinds = (checks: readonly { kind: string }[]) => checks.map(({ kind }) => kind);

describe('checkProxyVariables', () => {
  it('passes what run sets', () => {
    expect(kinds(checkProxyVariables(good, 'http://127.0.0.1:10254'))).toEqual(['pass']);
  });

  it.each([
    [{}, undefined],
    [{ ...good, https_proxy: 'http://elsewhere:1' }, undefined],
    [{ HTTPS_PROXY: 'http://127.0.0.1:10254', https_proxy: 'http://127.0.0.1:10254' }, undefined],
    [good, 'http://127.0.0.1:9'],
  ])('fails %j', (variables, gateway) => {
    expect(kinds(checkProxyVariables(variables, gateway))).toContain('fail');
  });

  it('warns of ways past the gateway', () => {
    const checks = checkProxyVariables({ ...good, NO_PROXY: 'localhost,*.openai.com', ALL_PROXY: 'x' }, undefined);
    expect(kinds(checks)).toEqual(['pass', 'warn', 'warn']);
  });

  it('never prints the token', () => {
    expect(
      JSON.stringify(checkProxyVariables({ ...good, https_proxy: `${proxy}0` }, 'http://127.0.0.1:9')),
    ).not.toMatch(/tok/);
  });
});

describe('readNamedProxy', () => {
  it('decodes name and token', () => {
    expect(readNamedProxy(good)).toEqual({ address: 'http://127.0.0.1:10254', agent: 'my-agent', token: 'tok/1' });
  });

  it.each(['', 'socks5://x:1', '127.0.0.1:10254', 'http://a:%zz@h'])('reads nothing from %j', (text) => {
    expect(readNamedProxy({ HTTPS_PROXY: text })).toBeUndefined();
  });
});

describe('checkCaVariables', () => {
  it('names those that are missing', () => {
    expect(checkCaVariables({ SSL_CERT_FILE: '/x' })).toMatchObject({
      kind: 'fail',
      title: expect.stringContaining('CURL_CA_BUNDLE'),
    });
  });
});

describe('checkNode', () => {
  it('warns of a Node that cannot read the proxy, and wants the switch of one that can', () => {
    expect(checkNode({}, 'v20.20.0').kind).toBe('warn');
    expect(checkNode({}, 'v22.20.9').kind).toBe('warn');
    expect(checkNode({}, 'v23.11.0').kind).toBe('warn');
    expect(checkNode({}, 'v22.21.0').kind).toBe('fail');
    expect(checkNode({}, 'v24.1.0').kind).toBe('fail');
    expect(checkNode({ NODE_USE_ENV_PROXY: '1' }, 'v24.1.0').kind).toBe('pass');
  });
});

describe('checkClock', () => {
  it('tells a minute of difference', () => {
    const nowMs = Date.parse('2030-01-01T00:00:00Z');
    expect(checkClock('Tue, 01 Jan 2030 00:00:30 GMT', nowMs).kind).toBe('pass');
    expect(checkClock('Tue, 01 Jan 2030 01:00:00 GMT', nowMs).kind).toBe('fail');
  });
});

describe('judgeRefusal', () => {
  const answer = (status: number, code?: string) => ({
    status,
    reason: code ?? '',
    headers: code === undefined ? {} : { 'x-onecli-error': code },
  });

  it('takes a denial for the proof of a good token', () => {
    expect(kinds(judgeRefusal(answer(403, 'POLICY_DENIED'), `${probeHost}:443`, 'a'))).toEqual(['pass', 'skip']);
    expect(kinds(judgeRefusal(answer(403, 'POLICY_DENIED'), 'api.openai.com:443', 'a'))).toEqual(['pass', 'warn']);
  });

  it('knows a host that is refused inside its tunnel', () => {
    expect(kinds(judgeTunnel(answer(200, 'POLICY_DENIED'), 'api.openai.com:443', 'a'))).toEqual(['warn']);
    expect(judgeTunnel(answer(200, ''), 'api.openai.com:443', 'a')).toEqual([]);
    expect(judgeTunnel(answer(200, 'POLICY_DENIED'), `${probeHost}:443`, 'a')).toEqual([]);
  });

  it('fails a 407, a gateway in trouble, and an answer that is not ours', () => {
    expect(kinds(judgeRefusal(answer(407, 'PROXY_AUTH_INVALID'), 'x:443', 'a'))).toEqual(['fail']);
    expect(kinds(judgeRefusal(answer(503, 'NOT_READY'), 'x:443', 'a'))).toEqual(['fail']);
    expect(kinds(judgeRefusal(answer(403), 'x:443', 'a'))).toEqual(['fail']);
  });
});

describe('parseAnswerHead', () => {
  it('reads status, reason and fields', () => {
    expect(parseAnswerHead('HTTP/1.1 403 POLICY_DENIED\r\nX-OneCLI-Error: POLICY_DENIED')).toEqual({
      status: 403,
      reason: 'POLICY_DENIED',
      headers: { 'x-onecli-error': 'POLICY_DENIED' },
    });
    expect(parseAnswerHead('SSH-2.0-OpenSSH')).toBeUndefined();
  });
});

describe('holdsCertificate', () => {
  const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;

  it('finds it among others, whatever the line breaks', () => {
    expect(holdsCertificate(`# roots\n${pem('AAAA')}${pem('BB\r\nBB')}`, pem('BBBB'))).toBe(true);
    expect(holdsCertificate(pem('AAAA'), pem('BBBB'))).toBe(false);
    expect(holdsCertificate('', pem('BBBB'))).toBe(false);
  });
});
