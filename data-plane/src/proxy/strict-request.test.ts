import { describe, expect, it } from 'vitest';
import type { RequestHead } from '../wire/head.ts';
import { requestFraming } from '../wire/frame-body.ts';
import type { AgentStream } from './agent-stream.ts';
import { strictRequest } from './strict-request.ts';

const tunnel = {
  destination: { kind: 'authority', host: 'api.example.com', port: 443 },
  isSecure: true,
} as AgentStream['tunnel'];
const inTunnel = { tunnel, framingOf: requestFraming } as Partial<AgentStream> as AgentStream;
const onPort = { tunnel: undefined, framingOf: requestFraming } as Partial<AgentStream> as AgentStream;

interface Sent {
  readonly method?: string;
  readonly target?: string;
  readonly minor?: 0 | 1;
  readonly host?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

function headOf({ method = 'GET', target = '/v1', minor = 1, headers = {}, ...sent }: Sent): RequestHead {
  const host = 'host' in sent ? sent.host : 'api.example.com';
  const all = Object.entries(host === undefined ? headers : { Host: host, ...headers });
  return {
    method,
    target,
    minor,
    headers: all.map(([rawName, value]) => ({ name: rawName.toLowerCase(), rawName, value })),
  };
}

const verdict = (side: AgentStream, sent: Sent) => {
  const result = strictRequest(side, headOf(sent), 16_384);
  return result.kind === 'request'
    ? `${result.isSecure ? 'https' : 'http'} ${result.destination.host}:${result.destination.port} ${result.target}`
    : result.code;
};

describe('strictRequest in a tunnel', () => {
  it.each(['api.example.com', 'API.Example.com', 'api.example.com.', 'api.example.com:443'])(
    'takes Host %s for the CONNECT’s',
    (host) => {
      expect(verdict(inTunnel, { host })).toBe('https api.example.com:443 /v1');
    },
  );

  it.each([
    'other.example.com',
    'api.example.com:80',
    'api.example.com:8443',
    'example.com',
    'a.api.example.com',
    '192.0.2.1',
  ])('refuses Host %s as misdirected', (host) => {
    expect(verdict(inTunnel, { host })).toBe('MISDIRECTED');
  });

  it.each([
    '',
    ' ',
    'user@api.example.com',
    'api.example.com/',
    'api.example.com, b',
    'api.example.com:0443',
    'api.example.com:',
    'api..example.com',
  ])('refuses Host %j as malformed', (host) => {
    expect(verdict(inTunnel, { host })).toBe('BAD_REQUEST');
  });

  it('refuses two Host headers, and none in HTTP/1.1', () => {
    expect(verdict(inTunnel, { headers: { host: 'api.example.com' } })).toBe('BAD_REQUEST');
    expect(verdict(inTunnel, { host: undefined })).toBe('BAD_REQUEST');
    expect(verdict(inTunnel, { host: undefined, minor: 0 })).toBe('https api.example.com:443 /v1');
  });

  it.each(['https://api.example.com/v1', 'http://api.example.com/v1', 'api.example.com:443', '*', 'v1', '?x'])(
    'refuses the target %s',
    (target) => {
      expect(verdict(inTunnel, { target })).toBe('BAD_TARGET');
    },
  );

  it.each(['/../x', '/%2e%2e/x', '/a\\b', '/a#b', '/%', '/a%00', '/a%5cb'])('refuses the target %j', (target) => {
    expect(verdict(inTunnel, { target })).toBe('BAD_TARGET');
  });

  it('gives the path without the query, all its readings, and the target byte for byte', () => {
    const request = strictRequest(inTunnel, headOf({ target: '/a%2fb?c=%2F..' }), 16_384);
    expect(request).toMatchObject({ kind: 'request', target: '/a%2fb?c=%2F..', path: '/a%2fb' });
    expect(request.kind === 'request' && request.readings).toEqual(expect.arrayContaining(['/a%2Fb', '/a/b']));
  });

  it('judges OPTIONS * as the root, and sends it as it is', () => {
    const request = strictRequest(inTunnel, headOf({ method: 'OPTIONS', target: '*' }), 16_384);
    expect(request).toMatchObject({ target: '*', readings: ['/'] });
  });
});

describe('strictRequest in a tunnel without TLS', () => {
  it('has the default port of http', () => {
    const destination = { kind: 'authority', host: 'api.example.com', port: 80 };
    const plain = { ...onPort, tunnel: { destination, isSecure: false } as AgentStream['tunnel'] };
    expect(verdict(plain, {})).toBe('http api.example.com:80 /v1');
    expect(verdict(plain, { host: 'api.example.com:443' })).toBe('MISDIRECTED');
  });
});

describe('strictRequest on the proxy port', () => {
  it('takes an absolute http URL apart', () => {
    expect(verdict(onPort, { target: 'http://api.example.com/v1?x' })).toBe('http api.example.com:80 /v1?x');
    expect(verdict(onPort, { target: 'HTTP://API.example.com:8080', host: 'api.example.com:8080' })).toBe(
      'http api.example.com:8080 /',
    );
  });

  it('takes an absolute https URL apart, which goes on over TLS', () => {
    expect(verdict(onPort, { target: 'https://api.example.com/v1?x' })).toBe('https api.example.com:443 /v1?x');
    expect(verdict(onPort, { target: 'https://api.example.com/', host: 'api.example.com:80' })).toBe('MISDIRECTED');
  });

  it('refuses a Host that is not the URL’s', () => {
    expect(verdict(onPort, { target: 'http://api.example.com/', host: 'b.example.com' })).toBe('MISDIRECTED');
    expect(verdict(onPort, { target: 'http://api.example.com/', host: 'api.example.com:443' })).toBe('MISDIRECTED');
    expect(verdict(onPort, { target: 'http://api.example.com/', host: undefined })).toBe('BAD_REQUEST');
  });

  it.each(['ftp://api.example.com/', 'http:/api.example.com', 'x', '*'])('refuses the target %s', (target) => {
    expect(verdict(onPort, { target })).toBe('BAD_TARGET');
  });

  it.each([
    'http://u:p@api.example.com/',
    'http:///v1',
    'http://api.example.com:0/',
    'http://127.1/',
    'http://api.example.com:443:80/',
  ])('refuses the authority of %s', (target) => {
    expect(verdict(onPort, { target })).toBe('BAD_REQUEST');
  });
});

describe.each([
  ['in a tunnel', inTunnel, '/v1'],
  ['on the proxy port', onPort, 'http://api.example.com/v1'],
])('strictRequest %s', (_name, side, target) => {
  it.each(['TRACE', 'CONNECT'])('does not forward %s', (method) => {
    expect(verdict(side, { method, target })).toBe('METHOD_NOT_ALLOWED');
  });

  it.each(['h2c', '', 'websocket, h2c'])('does not forward an upgrade to %j', (upgrade) => {
    expect(verdict(side, { target, headers: { Upgrade: upgrade, Connection: 'Upgrade' } })).toBe('UNSUPPORTED_UPGRADE');
  });

  it('forwards a whole handshake of a WebSocket, where the stream is a connection', () => {
    const headers = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' };
    expect(verdict(side, { target, headers })).toBe('BAD_REQUEST');
    const whole = { ...headers, 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    expect(verdict(side, { target, headers: whole })).toBe('UNSUPPORTED_UPGRADE');
    const connection: AgentStream = { ...side, switchProtocols: () => ({}) as never };
    expect(verdict(connection, { target, headers: whole })).toMatch(/^https? /);
  });

  it.each<Record<string, string>>([
    { 'Content-Length': '1', 'Transfer-Encoding': 'chunked' },
    { 'Content-Length': '1', 'content-length': '1' },
    { 'Content-Length': '+1' },
    { 'Content-Length': '1, 1' },
    { 'Transfer-Encoding': 'gzip, chunked' },
    { 'Transfer-Encoding': 'identity' },
    { Upgrade: 'h2c', 'Content-Length': '1' },
  ])('refuses the framing %j', (headers) => {
    expect(verdict(side, { method: 'POST', target, headers })).toBe('BAD_REQUEST');
  });
});
