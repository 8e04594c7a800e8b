import { createAuthority, parseAuthority } from '@onecli/shared/certificates/authority';
import { describe, expect, it } from 'vitest';
import { LeafCache } from './leaf-cache.ts';
import { RefusalLeaves } from './refusal-leaves.ts';
import { SharedTicketKeys } from './ticket-keys.ts';

function refusalLeaves() {
  const clock = { nowMs: 0 };
  const cache = new LeafCache(parseAuthority(createAuthority({ commonName: 'Test authority', validDays: 100 })), {
    maxLeaves: 3,
    ticketKeys: new SharedTicketKeys(Buffer.alloc(32)),
  });
  const leaves = new RefusalLeaves(cache, { burst: 2, refillMs: 1000, now: () => clock.nowMs });
  return { leaves, clock, cache };
}

describe('certificates for refused hosts', () => {
  it('are minted for an agent up to its share, and again as time passes', () => {
    const { leaves, clock } = refusalLeaves();
    expect(leaves.secureContextFor('a', 'one.example')).toBeDefined();
    expect(leaves.secureContextFor('a', 'two.example')).toBeDefined();
    expect(leaves.secureContextFor('a', 'three.example')).toBeUndefined();
    clock.nowMs = 999;
    expect(leaves.secureContextFor('a', 'three.example')).toBeUndefined();
    clock.nowMs = 1000;
    expect(leaves.secureContextFor('a', 'three.example')).toBeDefined();
    expect(leaves.secureContextFor('a', 'four.example')).toBeUndefined();
  });

  it('of a host that has one cost no share', () => {
    const { leaves } = refusalLeaves();
    for (let time = 0; time < 5; time++) expect(leaves.secureContextFor('a', 'one.example')).toBeDefined();
    expect(leaves.secureContextFor('a', 'two.example')).toBeDefined();
  });

  it("of one agent are not taken from another's share, and stay within the bound", () => {
    const { leaves, cache } = refusalLeaves();
    for (const agent of ['a', 'b', 'c'])
      for (const host of ['x', 'y', 'z']) leaves.secureContextFor(agent, `${host}.${agent}.example`);
    expect(cache.size).toBe(3);
    expect(leaves.secureContextFor('d', 'one.example')).toBeDefined();
  });

  it('do not add up while nobody asks', () => {
    const { leaves, clock } = refusalLeaves();
    clock.nowMs = 1e9;
    const minted = ['1', '2', '3'].map((host) => leaves.secureContextFor('a', `h${host}.example`) !== undefined);
    expect(minted).toEqual([true, true, false]);
  });
});
