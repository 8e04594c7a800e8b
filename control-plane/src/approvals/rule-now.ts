import { Fault } from '@onecli/shared/fault';
import type { EntityManager } from 'typeorm';
import type { PolicyService } from '../policies/policy.service.ts';
import { type AskingRule, isAsking } from './approval-body.ts';
import type { Approval } from './approval-store.ts';

/** All that a rule covers. */
export interface RuleScope {
  readonly hosts: readonly string[];
  /** None: every path. */
  readonly paths: readonly string[];
  /** None: every method. */
  readonly methods: readonly string[];
}

/** An approval with the rule that asks as it is now. */
export interface ShownApproval extends Approval {
  /** Null: the rule was changed or removed since, and there is nothing to approve. */
  readonly covers: RuleScope | null;
}

/** A rule that asks, and where it stands now: `policy/rules/index`. */
export interface RuleNow {
  readonly rule: AskingRule;
  readonly place: string;
}

/** One that was altered in the database asks nothing that could be approved. */
function orGone(error: unknown): undefined {
  if (!(error instanceof Fault)) throw error;
}

type Policies = Pick<PolicyService, 'bodyOf'>;

/** The rule that an approval is of; undefined when it was changed, or is gone. */
export async function ruleNow(
  policies: Policies,
  manager: EntityManager,
  { policyId, key }: Approval,
): Promise<RuleNow | undefined> {
  const policy = await policies.bodyOf(manager, { id: policyId }).catch(orGone);
  for (const [index, rule] of (policy?.body.rules ?? []).entries())
    if (isAsking(rule) && rule.approval.key === key) return { rule, place: `${policy?.name}/rules/${index}` };
  return undefined;
}

/** Approvals as they are shown: rules may have been moved within their policies since. */
export async function shownApprovals(
  policies: Policies,
  manager: EntityManager,
  approvals: readonly Approval[],
): Promise<ShownApproval[]> {
  const known = new Map<string, RuleNow | undefined>();
  const shown: ShownApproval[] = [];
  for (const approval of approvals) {
    const asked = `${approval.policyId}/${approval.key}`;
    if (!known.has(asked)) known.set(asked, await ruleNow(policies, manager, approval));
    const now = known.get(asked);
    if (now === undefined) shown.push({ ...approval, covers: null });
    else {
      const { hosts, paths, methods } = now.rule;
      shown.push({ ...approval, rule: now.place, covers: { hosts, paths, methods } });
    }
  }
  return shown;
}
