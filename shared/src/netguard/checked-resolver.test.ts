import { describe, expect, it } from 'vitest';
import { AddressGuard } from './address-guard.ts';
import { CheckedResolver, type CheckedResolverOptions } from './checked-resolver.ts';
import { type ConnectTo, parseConnectTo } from './connect-to.ts';

interface Zone {
  readonly resolver: CheckedResolver;
  readonly asked: string[];
  nowMs: number;
}

/** A resolver over a fixed zone, with a clock that is set by hand and a count of what was asked. */
function resolverOver(
  names: Record<string, string[] | Error | Promise<string[]>>,
  options: Partial<CheckedResolverOptions> & { allowRanges?: string[] } = {},
): Zone {
  const { allowRanges = [], ...rest } = options;
  const asked: string[] = [];
  const lookupAll = async (host: string): Promise<{ address: string; family: number }[]> => {
    asked.push(host);
    const found = await names[host];
    if (found === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    if (found instanceof Error) throw found;
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  const guard = new AddressGuard({ allowRanges, ownListeners: [{ address: '127.0.0.1', port: 10254 }] });
  const zone: Omit<Zone, 'resolver'> = { asked, nowMs: 1 };
  return Object.assign(zone, { resolver: new CheckedResolver({ guard, lookupAll, nowMs: () => zone.nowMs, ...rest }) });
}

function connectTo(text: string): ConnectTo {
  const parsed = parseConnectTo(text);
  if (parsed.kind === 'faults') throw new Error(parsed.faults.join());
  return parsed.connectTo;
}

describe('CheckedResolver', () => {
  it('gives all addresses of a public name, in order', async () => {
    const { resolver } = resolverOver({ 'a.example': ['2606:4700::1', '8.8.8.8'] });
    expect(await resolver.resolve('a.example', 443)).toEqual({
      kind: 'addresses',
      addresses: [
        { address: '2606:4700::1', family: 6 },
        { address: '8.8.8.8', family: 4 },
      ],
      port: 443,
    });
  });

  it('refuses a name when one of its addresses is refused', async () => {
    const { resolver } = resolverOver({ 'a.example': ['8.8.8.8', '10.0.0.1', '1.1.1.1'] });
    expect(await resolver.resolve('a.example', 443)).toEqual({
      kind: 'refused',
      address: '10.0.0.1',
      reason: 'private',
    });
  });

  it('judges an IP literal without asking for it', async () => {
    const { resolver, asked } = resolverOver({});
    expect(await resolver.resolve('169.254.169.254', 80)).toMatchObject({ kind: 'refused', reason: 'metadata' });
    expect(await resolver.resolve('::1', 80)).toMatchObject({ kind: 'refused', reason: 'loopback' });
    expect(await resolver.resolve('8.8.8.8', 80)).toMatchObject({ kind: 'addresses' });
    expect(asked).toEqual([]);
  });

  it.each(['localhost', '127.1', '2130706433', '0x7f000001', '0177.0.0.1'])(
    'refuses %s, which the system reads as loopback',
    async (host) => {
      const guard = new AddressGuard({ allowRanges: [], ownListeners: [] });
      expect(await new CheckedResolver({ guard }).resolve(host, 80)).toMatchObject({
        kind: 'refused',
        reason: 'loopback',
      });
    },
  );

  it('asks once for a name that many want at the same time', async () => {
    const { resolver, asked } = resolverOver({ 'a.example': ['8.8.8.8'] });
    const all = await Promise.all(Array.from({ length: 20 }, () => resolver.resolve('a.example', 443)));
    expect(all.every(({ kind }) => kind === 'addresses')).toBe(true);
    expect(asked).toEqual(['a.example']);
  });

  it('keeps an answer for its time and no longer', async () => {
    const zone = resolverOver({ 'a.example': ['8.8.8.8'] }, { ttlMs: 10_000 });
    await zone.resolver.resolve('a.example', 443);
    zone.nowMs = 10_001;
    await zone.resolver.resolve('a.example', 443);
    expect(zone.asked.length).toBe(1);
    zone.nowMs = 10_002;
    await zone.resolver.resolve('a.example', 443);
    expect(zone.asked.length).toBe(2);
  });

  it('keeps for five seconds that there is no such name, and any other failure for one', async () => {
    const zone = resolverOver({ 'busy.example': Object.assign(new Error('try again'), { code: 'EAI_AGAIN' }) });
    const asks = async (host: string, nowMs: number): Promise<boolean> => {
      zone.nowMs = nowMs;
      const before = zone.asked.length;
      await zone.resolver.resolve(host, 443);
      return zone.asked.length > before;
    };
    expect([await asks('gone.example', 1), await asks('gone.example', 5_001)]).toEqual([true, false]);
    expect(await asks('gone.example', 5_002)).toBe(true);
    expect([await asks('busy.example', 6_000), await asks('busy.example', 7_000)]).toEqual([true, false]);
    expect(await asks('busy.example', 7_001)).toBe(true);
  });

  it.each([
    [[60, 30], 30],
    [[0], 1],
    [[86_400], 300],
  ])('keeps answers that hold for %j seconds for %i', async (ttls, keptSeconds) => {
    let asked = 0;
    let nowMs = 1;
    const resolver = new CheckedResolver({
      guard: new AddressGuard({ allowRanges: [], ownListeners: [] }),
      nowMs: () => nowMs,
      lookupAll: () => {
        asked += 1;
        return Promise.resolve(ttls.map((ttlSeconds) => ({ address: '8.8.8.8', family: 4, ttlSeconds })));
      },
    });
    await resolver.resolve('a.example', 443);
    nowMs += keptSeconds * 1000;
    await resolver.resolve('a.example', 443);
    expect(asked).toBe(1);
    nowMs += 1;
    await resolver.resolve('a.example', 443);
    expect(asked).toBe(2);
  });

  it('keeps no more names than it may', async () => {
    const zone = resolverOver({ a: ['8.8.8.8'], b: ['8.8.8.8'], c: ['8.8.8.8'] }, { maxEntries: 2 });
    for (const host of ['a', 'b', 'c', 'b', 'c', 'a']) await zone.resolver.resolve(host, 443);
    expect(zone.asked).toEqual(['a', 'b', 'c', 'a']);
  });

  it('judges a kept answer anew for each port', async () => {
    const zone = resolverOver({ 'a.example': ['127.0.0.1'] }, { allowRanges: ['127.0.0.0/8'] });
    expect(await zone.resolver.resolve('a.example', 8080)).toMatchObject({ kind: 'addresses' });
    expect(await zone.resolver.resolve('a.example', 10254)).toMatchObject({ kind: 'refused', reason: 'own-listener' });
    expect(zone.asked.length).toBe(1);
  });

  it('reports a failure of the resolver by its code, and an empty answer as not found', async () => {
    const broken = Object.assign(new Error('no server'), { code: 'EAI_AGAIN' });
    const { resolver } = resolverOver({ 'a.example': broken, 'b.example': [] });
    expect(await resolver.resolve('a.example', 443)).toEqual({ kind: 'failed', code: 'EAI_AGAIN' });
    expect(await resolver.resolve('b.example', 443)).toEqual({ kind: 'failed', code: 'ENOTFOUND' });
  });

  it('ends the wait of the caller that gives up, and of no other', async () => {
    let answer: (addresses: string[]) => void = () => undefined;
    const { resolver, asked } = resolverOver({ 'slow.example': new Promise((resolve) => (answer = resolve)) });
    const caller = new AbortController();
    const [given, kept] = [resolver.resolve('slow.example', 443, caller.signal), resolver.resolve('slow.example', 443)];
    caller.abort();
    expect(await given).toEqual({ kind: 'failed', code: 'ABORTED' });
    expect(await resolver.resolve('slow.example', 443, AbortSignal.abort())).toEqual({
      kind: 'failed',
      code: 'ABORTED',
    });
    answer(['8.8.8.8']);
    expect(await kept).toMatchObject({ kind: 'addresses' });
    expect(asked.length).toBe(1);
  });

  it('waits no longer than its time, and starts no second lookup beside one that hangs', async () => {
    const { resolver, asked } = resolverOver({ 'slow.example': new Promise(() => undefined) }, { timeoutMs: 5 });
    expect(await resolver.resolve('slow.example', 443)).toEqual({ kind: 'failed', code: 'ETIMEDOUT' });
    expect(await resolver.resolve('slow.example', 443)).toEqual({ kind: 'failed', code: 'ETIMEDOUT' });
    expect(asked.length).toBe(1);
  });

  it('refuses to queue more lookups than it may', async () => {
    const hanging = new Promise<string[]>(() => undefined);
    const { resolver } = resolverOver({ a: hanging, b: ['8.8.8.8'] }, { timeoutMs: 5, maxUnderway: 1 });
    const first = resolver.resolve('a', 443);
    expect(await resolver.resolve('b', 443)).toEqual({ kind: 'failed', code: 'EAI_AGAIN' });
    await first;
  });
});

describe('CheckedResolver with mapped targets', () => {
  const mapped = connectTo(
    'api.example.com:443=127.0.0.1:8443,loop.example:443=127.0.0.1:10254,named.example:443=vpce.internal:8443',
  );

  it('dials the mapped address and port when its range is open', async () => {
    const { resolver, asked } = resolverOver({}, { connectTo: mapped, allowRanges: ['127.0.0.0/8'] });
    expect(await resolver.resolve('api.example.com', 443)).toEqual({
      kind: 'addresses',
      addresses: [{ address: '127.0.0.1', family: 4 }],
      port: 8443,
    });
    expect(asked).toEqual([]);
  });

  it('refuses a mapped address whose range is not open', async () => {
    const { resolver } = resolverOver({}, { connectTo: mapped });
    expect(await resolver.resolve('api.example.com', 443)).toMatchObject({ kind: 'refused', reason: 'loopback' });
  });

  it('refuses to be mapped onto its own listener', async () => {
    const { resolver } = resolverOver({}, { connectTo: mapped, allowRanges: ['127.0.0.0/8'] });
    expect(await resolver.resolve('loop.example', 443)).toMatchObject({ kind: 'refused', reason: 'own-listener' });
  });

  it('resolves and checks a mapped name', async () => {
    const { resolver } = resolverOver({ 'vpce.internal': ['10.0.0.1'] }, { connectTo: mapped });
    expect(await resolver.resolve('named.example', 443)).toMatchObject({ kind: 'refused', reason: 'private' });
  });
});
