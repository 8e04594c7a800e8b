import { selectorPicks } from '@onecli/shared/domain/agent-selector';
import { CompiledPolicy } from '@onecli/shared/domain/evaluate-policy';
import type { Policy } from '@onecli/shared/domain/policy';
import type { AgentRecord, SecretRecord, Snapshot } from '@onecli/shared/domain/snapshot';
import { type CompiledRoute, compileRoutes, routesForHost } from '../credentials/compile-routes.ts';
import { IdentityIndex } from '../identity/identity-index.ts';
import { type Delta, LayeredMap } from './layered-map.ts';
import { portsOf } from './named-ports.ts';
import { type KnownAlias, SecretFacts } from './secret-facts.ts';

const noRoutes: readonly CompiledRoute[] = [];

interface Compiled {
  readonly policies: readonly Policy[];
  readonly rules: CompiledPolicy;
}

/** How old what is known is: see FollowedConfiguration. */
export interface Confirmation {
  /** Milliseconds since the store last said that nothing newer is there. */
  readonly unconfirmedMs: number;
}

const always: Confirmation = { unconfirmedMs: 0 };

/**
 * One snapshot with the indexes that requests ask: immutable in what it says, lazy in what it has compiled so far.
 * A request takes one of these and keeps it to its end.
 */
export class Configuration {
  readonly snapshot: Snapshot;
  /** Who is recognised by what. */
  readonly identities: IdentityIndex;
  /** What is known of all secrets together. */
  readonly secretFacts: SecretFacts;
  readonly #confirmation: Confirmation;
  readonly #policies: Map<string, CompiledPolicy>;
  /** Agents that the same policies select share what was compiled of them. */
  readonly #compiled: Map<string, Compiled>;
  readonly #compiledBefore: ReadonlyMap<string, Compiled> | undefined;
  #routes: readonly CompiledRoute[] | undefined;
  readonly #routesOfRules: WeakMap<object, readonly CompiledRoute[]>;
  readonly #portsOfRules: ReadonlySet<number>;

  /** @param previous the one before: what it has found out and compiled of that which did not change is taken over */
  constructor(snapshot: Snapshot, previous?: Configuration, confirmation: Confirmation = always) {
    this.snapshot = snapshot;
    this.#confirmation = confirmation;
    const before = previous?.snapshot;
    const hasSameAgents = before?.agents === snapshot.agents;
    const hasSamePolicies = before?.policies === snapshot.policies;
    const hasSameRoutes = before?.routes === snapshot.routes;
    this.identities = previous && hasSameAgents ? previous.identities : new IdentityIndex(snapshot.agents.values());
    this.secretFacts = factsOf(snapshot, previous);
    // What is the same is shared, and with it whatever either of the two compiles.
    this.#policies = previous && hasSameAgents && hasSamePolicies ? previous.#policies : new Map();
    this.#compiled = previous && hasSamePolicies ? previous.#compiled : new Map();
    this.#compiledBefore = previous && !hasSamePolicies ? previous.#compiled : undefined;
    this.#portsOfRules = previous && hasSamePolicies ? previous.#portsOfRules : portsOfRules(snapshot);
    this.#routes = previous && hasSameRoutes ? previous.#routes : undefined;
    this.#routesOfRules = previous && hasSameRoutes ? previous.#routesOfRules : new WeakMap();
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
    return this.#portsOfRules.has(port) || this.secretFacts.namesPort(port);
  }

  /** Whether a secret is not to be used because nobody has confirmed for too long that it still may be. */
  isLeaseOver({ leaseSeconds }: SecretRecord): boolean {
    return leaseSeconds !== undefined && this.#confirmation.unconfirmedMs > leaseSeconds * 1000;
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
    return this.secretFacts.hasBodySurfaces;
  }

  /** The secret whose alias has this id. */
  alias(id: string): KnownAlias | undefined {
    return this.secretFacts.alias(id);
  }
}

const webPorts = [443, 80];

function portsOfRules({ policies }: Snapshot): ReadonlySet<number> {
  const named = new Set(webPorts);
  for (const { rules } of policies.values())
    for (const { hosts } of rules) for (const port of portsOf(hosts)) named.add(port);
  return named;
}

/** What is known of the secrets, from what was known of those before where the one set was made of the other. */
function factsOf({ secrets }: Snapshot, previous: Configuration | undefined): SecretFacts {
  if (previous && previous.snapshot.secrets === secrets) return previous.secretFacts;
  const delta = secrets instanceof LayeredMap ? secrets.since(previous?.snapshot.secrets) : undefined;
  // A LayeredMap of secrets, by the type of the snapshot that it is in.
  return previous && delta ? previous.secretFacts.with(delta as Delta<SecretRecord>) : SecretFacts.of(secrets.values());
}
