import { CidrMap, parseCidr } from '@onecli/shared/domain/cidr';
import { afterEach, describe, expect, it } from 'vitest';
import { type Opening, type ProxyProtocol, readOpening } from './read-opening.ts';
import { type LoopbackPair, loopbackPair, until } from './testing/loopback-pair.ts';

const pairs: LoopbackPair[] = [];
afterEach(() => pairs.splice(0).forEach((pair) => pair.close()));

const loopback = new CidrMap<ProxyProtocol>();
const parsed = parseCidr('127.0.0.1');
if (parsed.kind === 'cidr') loopback.set(parsed.cidr, 'optional');
const strict = new CidrMap<ProxyProtocol>();
if (parsed.kind === 'cidr') strict.set(parsed.cidr, 'required');
const nobody = new CidrMap<ProxyProtocol>();
const line = 'PROXY TCP4 198.51.100.7 203.0.113.1 1 2\r\n';
const version2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc6336407cb007101dc0401bb', 'hex').toString('latin1');

/** What the opening is, and what is left to be read after it. */
async function open(trusted: CidrMap<ProxyProtocol>, ...pieces: string[]): Promise<{ opening: Opening; rest: string }> {
  const pair = await loopbackPair();
  pairs.push(pair);
  pair.far.setNoDelay(true);
  const opening = readOpening(pair.near, trusted);
  let sentBytes = 0;
  for (const piece of pieces) {
    pair.far.write(piece, 'latin1');
    sentBytes += piece.length;
    // Each by itself: what comes together is read together.
    await until(() => pair.near.bytesRead >= sentBytes);
  }
  pair.far.end();
  const settled = await opening;
  const chunks: Buffer[] = [];
  for await (const chunk of pair.near) chunks.push(chunk as Buffer);
  return { opening: settled, rest: Buffer.concat(chunks).toString('latin1') };
}

describe('readOpening', () => {
  it('refuses a balancer that has to send a header and begins with anything else, and takes its header off', async () => {
    for (const text of ['GET / HTTP/1.1\r\n', '\x16\x03\x01', 'POST / HTTP/1.1\r\n'])
      expect((await open(strict, text)).opening).toMatchObject({ kind: 'refused' });
    for (const header of [line, version2])
      expect(await open(strict, header, 'GET /')).toEqual({
        opening: { kind: 'opened', isTls: false, source: '198.51.100.7' },
        rest: 'GET /',
      });
  });

  it.each([
    ['GET / HTTP/1.1\r\n', false],
    ['\x16\x03\x01', true],
    ['POST / HTTP/1.1\r\n', false],
    ['\r\nGET / HTTP/1.1\r\n', false],
    ['P', false],
  ])('leaves %j of a stranger to be read', async (text, isTls) => {
    const { opening, rest } = await open(nobody, text);
    if (text === 'P') expect(opening).toEqual({ kind: 'closed' });
    else expect({ opening, rest }).toEqual({ opening: { kind: 'opened', isTls, source: '127.0.0.1' }, rest: text });
  });

  it.each([
    ['a line', line],
    ['version 2', version2],
  ])('takes %s of a trusted balancer off, also byte by byte', async (_name, header) => {
    for (const pieces of [[`${header}GET /`], `${header}GET /`.split('')])
      expect(await open(loopback, ...pieces)).toEqual({
        opening: { kind: 'opened', isTls: false, source: '198.51.100.7' },
        rest: 'GET /',
      });
    expect((await open(loopback, header, '\x16\x03')).opening).toMatchObject({ isTls: true, source: '198.51.100.7' });
  });

  it.each([
    ['a line', line],
    ['version 2', version2],
    ['a malformed one', 'PROXY nonsense nonsense\r\n'],
    ['the beginning of one, and no more', 'PROXY TCP4 198.51.100.7 203'],
  ])('refuses %s of a stranger', async (_name, header) => {
    expect((await open(nobody, header)).opening).toMatchObject({ kind: 'refused' });
  });

  it('refuses a malformed one of a trusted balancer', async () => {
    expect((await open(loopback, 'PROXY nonsense\r\n')).opening).toMatchObject({ kind: 'refused' });
  });

  it('does not take a second header off', async () => {
    for (const pieces of [[line + line], [line, line], [version2, line]])
      expect(await open(loopback, ...pieces)).toMatchObject({ opening: { kind: 'opened' }, rest: line });
  });

  it('knows no source where a trusted balancer tells none', async () => {
    expect((await open(loopback, 'GET /')).opening).toEqual({ kind: 'opened', isTls: false, source: undefined });
    expect((await open(loopback, 'PROXY UNKNOWN\r\nGET /')).opening).toMatchObject({ source: undefined });
  });

  it('ends with a connection that says nothing', async () => {
    expect((await open(nobody)).opening).toEqual({ kind: 'closed' });
    expect((await open(loopback, line)).opening).toEqual({ kind: 'closed' });
  });
});
