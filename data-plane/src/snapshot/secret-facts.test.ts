import type { SecretRecord, Snapshot } from '@onecli/shared/domain/snapshot';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Configuration } from './configuration.ts';
import { LayeredMap } from './layered-map.ts';

const ports = [80, 443, 444, 8443, 9000];
const aliases = ['A', 'B', 'C'].map((letter) => `sk-onecli${letter.repeat(22)}`);
const secret = fc.record({
  id: fc.uuid(),
  name: fc.constantFrom('prod/a', 'prod/b', 'prod/c', 'prod/d'),
  alias: fc.option(fc.constantFrom(...aliases), { nil: undefined }),
  binding: fc.record({
    hosts: fc.array(fc.constantFrom('a.example', 'a.example:8443', '[::1]:9000', '::1', '*.b.example:444')),
    surfaces: fc.array(fc.constantFrom('header', 'json', 'form', 'text')),
  }),
});
const change = fc.tuple(secret, fc.boolean());

const snapshotOf = (revision: number, secrets: Snapshot['secrets']): Snapshot => ({
  revision,
  secrets,
  agents: new Map(),
  policies: new Map(),
  routes: new Map(),
  authority: { id: 'a', certificatePem: '', sealedKey: Buffer.alloc(0) },
  otherAuthorities: [],
  clientAuthorities: [],
});

describe('what a configuration knows of its secrets', () => {
  it('is the same whether it was found out change by change or at once', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        let secrets = LayeredMap.of<string, SecretRecord>([]);
        let configuration = new Configuration(snapshotOf(0, secrets));
        for (const [index, [given, isRemoved]] of changes.entries()) {
          const record = { ...given, isDisabled: false, currentVersion: 1, versions: new Map() } as SecretRecord;
          // No two secrets have one alias.
          const isTaken = [...secrets.values()].some(
            (other) => other.name !== given.name && other.alias === given.alias,
          );
          const { alias: _, ...withoutAlias } = record;
          secrets = secrets.with([[given.name, isRemoved ? undefined : isTaken ? withoutAlias : record]]);
          configuration = new Configuration(snapshotOf(index + 1, secrets), configuration);
        }
        const anew = new Configuration(snapshotOf(99, new Map(secrets)));
        const facts = ({ namesPort, alias, hasBodySurfaces }: Bound) => ({
          ports: ports.filter(namesPort),
          aliases: aliases.map((text) => alias(text.slice(-28))),
          hasBodySurfaces,
        });
        expect(facts(bound(configuration))).toEqual(facts(bound(anew)));
      }),
      { numRuns: 300 },
    );
  });

  it('forgets a port and an alias with the last secret that had them', () => {
    const record: SecretRecord = {
      id: '1',
      name: 'prod/a',
      alias: aliases[0],
      binding: { hosts: ['a.example:8443'], surfaces: ['json'] },
      isDisabled: false,
      currentVersion: 1,
      versions: new Map(),
    };
    const secrets = LayeredMap.of([['prod/a', record]]);
    const before = new Configuration(snapshotOf(1, secrets));
    expect([
      before.namesPort(8443),
      before.hasBodySurfaces,
      before.alias(aliases[0]?.slice(-28) ?? '')?.secret,
    ]).toEqual([true, true, record]);
    const after = new Configuration(snapshotOf(2, secrets.with([['prod/a', undefined]])), before);
    expect([after.namesPort(8443), after.namesPort(443), after.hasBodySurfaces]).toEqual([false, true, false]);
    expect(after.alias(aliases[0]?.slice(-28) ?? '')).toBeUndefined();
  });
});

interface Bound {
  readonly namesPort: (port: number) => boolean;
  readonly alias: (id: string) => unknown;
  readonly hasBodySurfaces: boolean;
}

function bound(configuration: Configuration): Bound {
  return {
    namesPort: (port) => configuration.namesPort(port),
    alias: (id) => configuration.alias(id),
    hasBodySurfaces: configuration.hasBodySurfaces,
  };
}
