/** What requests of the past would come to under other policies: by the proxy's own evaluation, without a database. */
import { selectorPicks } from '@onecli/shared/domain/agent-selector';
import { CompiledPolicy, decide, type Decision } from '@onecli/shared/domain/evaluate-policy';
import type { Policy } from '@onecli/shared/domain/policy';

/** What policy says of a request. Limits, identity and bindings are not asked. */
export const impactOutcomes = [
  'ALLOWED',
  'MONITORED',
  'POLICY_DENIED',
  'APPROVAL_REQUIRED',
  'PLACEHOLDER_NOT_GRANTED',
] as const;
export type ImpactOutcome = (typeof impactOutcomes)[number];

/** A request of the past, as policy sees it. */
export interface PastRequest {
  readonly agent: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly readings: readonly string[];
  readonly timeMs: number;
  /** Names of the secrets that it used. */
  readonly secrets: readonly string[];
}

export interface Judgement {
  readonly outcome: ImpactOutcome;
  readonly rule: string | null;
}

export interface Impact {
  readonly before: Judgement;
  readonly after: Judgement;
}

interface Side {
  readonly policies: readonly Policy[];
  readonly compiled: Map<string, CompiledPolicy>;
}

/** Compares two sets of policies which differ in some. */
export class PolicyImpact {
  readonly #before: Side;
  readonly #after: Side;
  /** Those that only one of the sets has: whom they do not pick, for him nothing differs. */
  readonly #different: readonly Policy[];

  constructor(before: readonly Policy[], after: readonly Policy[]) {
    this.#before = { policies: before, compiled: new Map() };
    this.#after = { policies: after, compiled: new Map() };
    this.#different = [
      ...before.filter((policy) => !after.includes(policy)),
      ...after.filter((policy) => !before.includes(policy)),
    ];
  }

  /** What differs for a request; undefined: nothing. */
  of(request: PastRequest): Impact | undefined {
    if (!this.#different.some((policy) => picks(policy, request.agent))) return undefined;
    const [before, after] = [judge(this.#before, request), judge(this.#after, request)];
    return before.outcome === after.outcome ? undefined : { before, after };
  }
}

function picks({ agents }: Policy, agent: PastRequest['agent']): boolean {
  return agents.some((selector) => selectorPicks(selector, agent));
}

function judge({ policies, compiled }: Side, request: PastRequest): Judgement {
  const { agent, host, port, method, readings, timeMs, secrets } = request;
  let rules = compiled.get(agent.name);
  if (rules === undefined) {
    rules = new CompiledPolicy(policies.filter((policy) => picks(policy, agent)));
    compiled.set(agent.name, rules);
  }
  return judgementOf(decide(rules.rulesFor(host, port), [method], readings, timeMs), secrets);
}

function judgementOf(decision: Decision, used: readonly string[]): Judgement {
  if (decision.kind === 'deny') {
    const outcome = decision.reason === 'APPROVAL_REQUIRED' ? decision.reason : 'POLICY_DENIED';
    return { outcome, rule: decision.rule ?? null };
  }
  const rule = decision.rule ?? decision.monitored?.rule ?? null;
  if (used.some((name) => !decision.secrets.has(name))) return { outcome: 'PLACEHOLDER_NOT_GRANTED', rule };
  return { outcome: decision.monitored === undefined ? 'ALLOWED' : 'MONITORED', rule };
}
