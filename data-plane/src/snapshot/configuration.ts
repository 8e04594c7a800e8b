import { selectorPicks } from '@onecli/shared/domain/agent-selector';
import { CompiledPolicy } from '@onecli/shared/domain/evaluate-policy';
import { splitAlias } from '@onecli/shared/domain/placeholder';
import type { Policy } from '@onecli/shared/domain/policy';
import type { AgentRecord, SecretRecord, Snapshot } from '@onecli/shared/domain/snapshot';
import { type CompiledRoute, compileRoutes, routesForHost } from '../credentials/compile-routes.ts';
import { IdentityIndex } from '../identity/identity-index.ts';

const noRoutes: readonly CompiledRoute[] = [];

/** A secret that is known by an alias, and what the alias has ahead of its id. */
export interface KnownAlias {
  readonly secret: SecretRecord;
  readonly prefix: string;
}

interface Compiled {
  readonly policies: readonly Policy[];
  readonly rules: CompiledPolicy;
}

/**
 * One snapshot with the indexes that requests ask: immutable in what it says, lazy in what it has compiled so far.
 * A request takes one of these and keeps it to its end.
 */
export class Configuration {
  readonly snapshot: Snapshot;
  /** Who is recognised by what. */
  readonly identities: IdentityIndex;
  readonly #policies = new Map<string, CompiledPolicy>();
  /** Agents that the same policies select share what was compiled of them. */
  readonly #compiled = new Map<string, Compiled>();
  readonly #compiledBefore: ReadonlyMap<string, Compiled> | undefined;
  #routes: readonly CompiledRoute[] | undefined;
  readonly #routesOfRules = new WeakMap<object, readonly CompiledRoute[]>();
  #hasBodySurfaces: boolean | undefined;
  #aliases: ReadonlyMap<string, KnownAlias> | undefined;
  #namedPorts: ReadonlySet<number> | undefined;

  /** @param previous the one before: what it has compiled of policies that did not change is taken over */
  constructor(snapshot: Snapshot, previous?: Configuration) {
    this.snapshot = snapshot;
    this.identities = new IdentityIndex(snapshot.agents.values());
    this.#compiledBefore = previous === undefined ? undefined : previous.#compiled;
  }

  get revision(): number {
    return this.snapshot.revision;
  }

  /** The policies that pick an agent. */
  policiesOf(agent: AgentRecord): Policy[] {
    return [...this.snapshot.policies.values()].filter((policy) =>
      policy.agents.some((selector) => selectorPicks(selector, agent)),
    );
  }

  /** The rules that hold for an agent, compiled on first use. */
  policyOf(agent: AgentRecord): CompiledPolicy {
    let compiled = this.#policies.get(agent.id);
    if (!compiled) {
      compiled = this.#compile(this.policiesOf(agent));
      this.#policies.set(agent.id, compiled);
    }
    return compiled;
  }

  #compile(policies: readonly Policy[]): CompiledPolicy {
    const key = policies.map(({ id }) => id).join(' ');
    const known = this.#compiled.get(key);
    if (known) return known.rules;
    const before = this.#compiledBefore?.get(key);
    const isSame = before?.policies.every((policy, index) => policy === policies[index]) === true;
    const compiled = before && isSame ? before : { policies, rules: new CompiledPolicy(policies) };
    this.#compiled.set(key, compiled);
    return compiled.rules;
  }

  /** True for 443 and 80, and for every port that a rule or a binding names. */
  namesPort(port: number): boolean {
    this.#namedPorts ??= namedPorts(this.snapshot);
    return this.#namedPorts.has(port);
  }

  secret(name: string): SecretRecord | undefined {
    return this.snapshot.secrets.get(name);
  }

  /** The routes for a canonical host and port; told apart by the rules for them, which a tunnel keeps. */
  routesFor(rules: object, host: string, port: number): readonly CompiledRoute[] {
    if (this.snapshot.routes.size === 0) return noRoutes;
    let found = this.#routesOfRules.get(rules);
    if (!found) {
      this.#routes ??= compileRoutes(this.snapshot.routes.values());
      found = routesForHost(this.#routes, host, port);
      this.#routesOfRules.set(rules, found);
    }
    return found;
  }

  /** True when some secret may stand in request bodies somewhere. */
  get hasBodySurfaces(): boolean {
    this.#hasBodySurfaces ??= [...this.snapshot.secrets.values()].some(({ binding }) =>
      binding.surfaces.some((surface) => surface === 'json' || surface === 'form' || surface === 'text'),
    );
    return this.#hasBodySurfaces;
  }

  /** The secret whose alias has this id. */
  alias(id: string): KnownAlias | undefined {
    this.#aliases ??= aliasesOf(this.snapshot);
    return this.#aliases.get(id);
  }
}

function aliasesOf({ secrets }: Snapshot): ReadonlyMap<string, KnownAlias> {
  const aliases = new Map<string, KnownAlias>();
  for (const secret of secrets.values()) {
    if (secret.alias === undefined) continue;
    const { prefix, id } = splitAlias(secret.alias);
    aliases.set(id, { secret, prefix });
  }
  return aliases;
}

const webPorts = [443, 80];

function namedPorts({ policies, secrets }: Snapshot): ReadonlySet<number> {
  const named = new Set(webPorts);
  const add = (hosts: readonly string[]): void => {
    // An IPv6 address that has a port stands in brackets.
    for (const host of hosts) named.add(Number(/(?:^[^:]*|\]):([0-9]+)$/.exec(host)?.[1] ?? webPorts[0]));
  };
  for (const { rules } of policies.values()) for (const rule of rules) add(rule.hosts);
  for (const { binding } of secrets.values()) add(binding.hosts);
  return named;
}
