import { describe, expect, it } from 'vitest';
import { withoutHopByHop } from './hop-by-hop.ts';

const kept = (...lines: [string, string][]): string[] =>
  withoutHopByHop(lines.map(([rawName, value]) => ({ name: rawName.toLowerCase(), rawName, value }))).map(
    (header) => header.rawName,
  );

describe('withoutHopByHop', () => {
  it('drops what is about one connection, and everything of proxies and of ours', () => {
    const names = [
      'Connection',
      'Keep-Alive',
      'TE',
      'Trailer',
      'Trailers',
      'Transfer-Encoding',
      'Upgrade',
      'HTTP2-Settings',
      'Proxy-Authorization',
      'Proxy-Connection',
      'PROXY-Foo',
      'X-OneCLI-Agent',
    ];
    expect(kept(...names.map((name): [string, string] => [name, 'close']))).toEqual([]);
    expect(kept(['Accept', '1'], ['Proxying', '1'], ['X-Onecliff', '1'])).toEqual(['Accept', 'Proxying', 'X-Onecliff']);
  });

  it('drops what Connection names, in any letter case, over several lines', () => {
    expect(
      kept(['X-A', '1'], ['Connection', 'close, \tx-a ,,'], ['connection', 'X-B'], ['x-b', '2'], ['X-C', '3']),
    ).toEqual(['X-C']);
  });

  it('does not let Connection take out what a message means', () => {
    const names = [
      'Host',
      'Content-Length',
      'Authorization',
      'Cookie',
      'Content-Type',
      'Content-Encoding',
      'Set-Cookie',
      'Cache-Control',
    ];
    expect(kept(['Connection', names.join(', ')], ...names.map((name): [string, string] => [name, '1']))).toEqual(
      names,
    );
  });

  it('keeps letter case and order', () => {
    expect(kept(['b', '1'], ['Connection', 'keep-alive'], ['A', '2'], ['B', '3'])).toEqual(['b', 'A', 'B']);
  });
});
