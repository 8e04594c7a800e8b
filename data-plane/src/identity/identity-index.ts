import { type Cidr, CidrMap, parseCidr } from '@onecli/shared/domain/cidr';
import type { AgentIdentity } from '@onecli/shared/domain/identity';
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import { certificateKey } from './client-certificate.ts';
import { JwtIndex } from './jwt-index.ts';

/** Ranges of addresses; undefined where every address will do, also one that is not known. */
type Ranges = CidrMap<true> | undefined;

/** A token that some agent has, and under which conditions. */
export interface KnownToken {
  readonly agent: AgentRecord;
  /** Infinity when it does not expire. */
  readonly expiresAtMs: number;
  readonly ranges: Ranges;
}

interface KnownHeader {
  readonly agent: AgentRecord;
  readonly ranges: Ranges;
}

/**
 * Every identity of every agent of one snapshot, by what is presented. Looking one up costs the same for ten thousand agents
 * as for one. What is kept is taken as it is: it was checked when it was written.
 */
export class IdentityIndex {
  readonly tokens = new Map<string, KnownToken>();
  readonly certificates = new Map<string, AgentRecord>();
  /** By name and value. */
  readonly headers = new Map<string, Map<string, KnownHeader>>();
  readonly sources = new CidrMap<AgentRecord>();
  readonly jwts = new JwtIndex();
  readonly #names = new Set<string>();

  constructor(agents: Iterable<AgentRecord>) {
    for (const agent of agents) {
      this.#names.add(agent.name);
      for (const identity of agent.identities) this.#add(agent, identity);
    }
  }

  /** True when some agent has this name. */
  hasAgentNamed(name: string): boolean {
    return this.#names.has(name);
  }

  #add(agent: AgentRecord, identity: AgentIdentity): void {
    switch (identity.kind) {
      case 'token': {
        const ranges = identity.cidrs.length === 0 ? undefined : rangesOf(identity.cidrs);
        const endMs = identity.expiresAtMs ?? Number.POSITIVE_INFINITY;
        for (const { hash, expiresAtMs = endMs } of agent.tokens)
          this.tokens.set(hash, { agent, expiresAtMs: Math.min(endMs, expiresAtMs), ranges });
        return;
      }
      case 'mtls':
        this.certificates.set(certificateKey(identity.by, identity.name), agent);
        return;
      case 'jwt':
        this.jwts.add(agent, identity);
        return;
      case 'header': {
        const values = this.headers.get(identity.name) ?? new Map<string, KnownHeader>();
        this.headers.set(identity.name, values.set(identity.value, { agent, ranges: rangesOf(identity.cidrs) }));
        return;
      }
      case 'source':
        for (const cidr of networksOf(identity.cidrs).networks) this.sources.set(cidr, agent);
    }
  }
}

/** True when an address is in the ranges. One that is not known is in none. */
export function isWithin(ranges: Ranges, source: string | undefined): boolean {
  return ranges === undefined || (source !== undefined && ranges.find(source) === true);
}

/**
 * What was read of a list, for as long as its agent stays as it is: the next snapshot has the same records but for those that
 * changed, and reading ranges is most of the work of an index.
 */
const readBefore = new WeakMap<readonly string[], { readonly networks: readonly Cidr[]; ranges?: CidrMap<true> }>();

function rangesOf(cidrs: readonly string[]): CidrMap<true> {
  const read = networksOf(cidrs);
  if (read.ranges) return read.ranges;
  read.ranges = new CidrMap<true>();
  for (const cidr of read.networks) read.ranges.set(cidr, true);
  return read.ranges;
}

function networksOf(cidrs: readonly string[]) {
  let read = readBefore.get(cidrs);
  if (!read) {
    read = { networks: cidrs.map(parseCidr).flatMap((result) => (result.kind === 'cidr' ? [result.cidr] : [])) };
    readBefore.set(cidrs, read);
  }
  return read;
}
