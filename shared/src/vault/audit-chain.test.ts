import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ChainLink, chainStart, countWholeLinks, LinkMacs, linkMac, readLinks, writeLink } from './audit-chain.ts';

const key = Buffer.alloc(32, 7);
const start = chainStart(key, 'worker-1', 'b00t');

function chainOf(groups: readonly (readonly string[])[]): ChainLink[] {
  let previous = start;
  return groups.map((lines) => {
    previous = linkMac(key, previous, lines.map((line) => `${line}\n`).join(''));
    return { lines, mac: previous };
  });
}

const links = chainOf([['[0,"a"]', '[1,"b"]'], ['[2,"c"]'], ['[3,"d"]', '[4,"e"]', '[5,"f"]']]);

describe('linkMac', () => {
  it('is the documented HMAC', () => {
    const first = createHmac('sha256', key).update('onecli/v1/audit-chain/worker-1/b00t').digest();
    expect(start).toBe(first.toString('hex'));
    const mac = createHmac('sha256', key)
      .update(Buffer.concat([first, Buffer.from('[0,"a"]\n[1,"b"]\n')]))
      .digest('hex');
    expect(links[0]?.mac).toBe(mac);
    expect(linkMac(key, start, Buffer.from('[0,"a"]\n[1,"b"]\n'))).toBe(mac);
  });

  it('begins otherwise for another worker, another boot, another key', () => {
    const starts = [
      start,
      chainStart(key, 'worker-2', 'b00t'),
      chainStart(key, 'worker-1', 'b001'),
      chainStart(Buffer.alloc(32), 'worker-1', 'b00t'),
    ];
    expect(new Set(starts).size).toBe(4);
  });
});

describe('LinkMacs', () => {
  it.each([32, 64])(
    'are those of linkMac, for links of any length one after another, with a key of %i bytes',
    (length) => {
      const own = Buffer.alloc(length, 9);
      const macs = new LinkMacs(own);
      let previous = start;
      for (const lines of [
        '[0]\n',
        `${'x'.repeat(15_000)}\n`,
        '',
        `${'y'.repeat(100_000)}\n`,
        `${'z'.repeat(500)}\n`,
      ]) {
        const mac = macs.next(previous, lines);
        expect(mac).toBe(linkMac(own, previous, lines));
        previous = mac;
      }
    },
  );

  it('take no key that HMAC would have to hash first', () => {
    expect(() => new LinkMacs(Buffer.alloc(65))).toThrow(RangeError);
  });
});

describe('readLinks', () => {
  it('gives back what was written', () => {
    expect(readLinks(links.map(writeLink).join(''))).toEqual(links);
    expect(readLinks('')).toEqual([]);
  });

  it('refuses a text that ends within a link, a MAC of nothing, and a MAC that is none', () => {
    const text = links.map(writeLink).join('');
    for (const cut of [1, 10, 66, 67, 80])
      expect(() => readLinks(text.slice(0, -cut)), String(cut)).toThrow(SyntaxError);
    expect(() => readLinks(`#${'0'.repeat(64)}\n`)).toThrow(SyntaxError);
    expect(() => readLinks('[0]\n#00\n')).toThrow(SyntaxError);
  });
});

describe('countWholeLinks', () => {
  it('counts all links of a trail that is whole, from any place', () => {
    expect(countWholeLinks(key, start, links)).toBe(3);
    expect(countWholeLinks(key, links[0]?.mac ?? '', links.slice(1))).toBe(2);
  });

  it('stops at every edit, deletion, swap and cut of an entry', () => {
    const [first, second, third] = links as [ChainLink, ChainLink, ChainLink];
    const tampered: Record<string, [number, ChainLink[]]> = {
      'an edit': [1, [first, { ...second, lines: ['[2,"x"]'] }, third]],
      'a deletion within a link': [2, [first, second, { ...third, lines: third.lines.slice(1) }]],
      'a link left out': [1, [first, third]],
      'entries swapped': [0, [{ ...first, lines: first.lines.toReversed() }, second, third]],
      'links swapped': [0, [second, first, third]],
      'an entry moved to the next link': [
        0,
        [{ ...first, lines: ['[0,"a"]'] }, { ...second, lines: ['[1,"b"]', '[2,"c"]'] }, third],
      ],
      'a link cut short': [2, [first, second, { ...third, lines: third.lines.slice(0, 2) }]],
    };
    for (const [what, [whole, altered]] of Object.entries(tampered))
      expect(countWholeLinks(key, start, altered), what).toBe(whole);
  });
});
