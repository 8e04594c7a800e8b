import { describe, expect, it } from 'vitest';
import { type Endpoint, parseConnectTo } from './connect-to.ts';
import { parseRanges } from './parse-ranges.ts';

function endpoint(text: string, host: string, port: number): Endpoint {
  const parsed = parseConnectTo(text);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join());
  return parsed.connectTo.endpointFor(host, port);
}

describe('parseConnectTo', () => {
  it.each([
    ['api.example.com:443=127.0.0.1:8443', 'api.example.com', 443, '127.0.0.1', 8443],
    [' a.example:443 = 10.0.0.1:1 , API.Example.com.:443=[FD00::1]:65535 ', 'api.example.com', 443, 'fd00::1', 65535],
    ['[2606:4700::1]:443=127.0.0.1:1', '2606:4700::1', 443, '127.0.0.1', 1],
    ['api.example.com:443=vpce-1.internal:443', 'api.example.com', 443, 'vpce-1.internal', 443],
    ['api.example.com:443=127.0.0.1:8443', 'api.example.com', 80, 'api.example.com', 80],
    ['api.example.com:443=127.0.0.1:8443', 'other.example.com', 443, 'other.example.com', 443],
    ['', 'api.example.com', 443, 'api.example.com', 443],
  ])('%j sends %s:%i to %s:%i', (text, host, port, toHost, toPort) => {
    expect(endpoint(text, host, port)).toEqual({ host: toHost, port: toPort });
  });

  it.each([
    'a',
    'a:1',
    'a:1=',
    '=b:1',
    'a=b',
    'a:1=b',
    'a:0=b:1',
    'a:65536=b:1',
    'a:01=b:1',
    'a:1=b:1=c:1',
    'a:1=b:1,',
    '::1:1=b:1',
    '[a]:1=b:1',
    'a:1=[127.0.0.1]:1',
    ':1=b:1',
    'a b:1=c:1',
    'a:1=b:1,a:1=c:1',
    'A.:1=b:1,a:1=c:1',
    '*:1=b:1',
    'a:-1=b:1',
  ])('refuses %j', (text) => expect(parseConnectTo(text).kind).toBe('faults'));

  it('names every fault by its position and repeats no value', () => {
    const parsed = parseConnectTo('good:1=127.0.0.1:1,secretname,x:0=y:0,good:1=z:1');
    expect(parsed.kind === 'faults' && parsed.faults).toEqual([
      'entry 2: expected host:port=address:port',
      'entry 3: left of "=" expected host:port, the port 1 to 65535',
      'entry 3: right of "=" expected address:port, the port 1 to 65535',
      'entry 4: this host and port stand in an earlier entry too',
    ]);
  });
});

describe('parseRanges', () => {
  it('reads CIDRs and single addresses', () => {
    expect(parseRanges(' 127.0.0.0/8, fd00::/8 ,10.0.0.1')).toEqual({
      kind: 'ranges',
      ranges: ['127.0.0.0/8', 'fd00::/8', '10.0.0.1'],
    });
    expect(parseRanges('  ')).toEqual({ kind: 'ranges', ranges: [] });
  });

  it('names every fault by its position', () => {
    const parsed = parseRanges('10/8,127.0.0.0/8,nonsense,');
    expect(parsed.kind === 'faults' && parsed.faults.map((fault) => fault.slice(0, 7))).toEqual([
      'entry 1',
      'entry 3',
      'entry 4',
    ]);
  });
});
