import { environmentOf } from '@onecli/shared/domain/names';
import type { Action } from '../auth/actions.ts';
import { authorize, authorizeEach, may } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import { type AllowDocument, type PolicyDocument, selectorFrom } from '../policies/policy-document.ts';
import { environmentsOf } from '../policies/policy.service.ts';
import type { Verb } from './compute-plan.ts';
import type { ActualObject, DesiredObject } from './planned-change.ts';

/** Refuses what the service of the object would refuse: by role, and by the environments that it belongs to. @throws Fault FORBIDDEN */
export function authorizeObject(principal: Principal, object: DesiredObject | ActualObject, verb: Verb): void {
  const action = `${object.kind}:${verb}` as Action;
  switch (object.kind) {
    case 'secret':
      return authorize(principal, action, environmentOf(object.name));
    case 'agent':
      return authorize(principal, action);
    case 'policy':
    case 'route':
      if (!may(principal, action)) authorizeEach(principal, action, environmentsOfDocument(object, verb));
  }
}

/** What tells where a policy belongs, of its document. */
interface JudgedDocument extends Pick<PolicyDocument, 'agents' | 'mode'> {
  readonly rules: readonly { readonly allow?: AllowDocument }[];
}

function environmentsOfDocument({ kind, fields }: DesiredObject | ActualObject, verb: Verb): ReadonlySet<string> {
  if (kind === 'route') return new Set([environmentOf(String(fields['secret']))]);
  const { agents, mode, rules } = fields as unknown as JudgedDocument;
  const judged = rules.map(({ allow }) => ({
    effect: allow === undefined ? ('deny' as const) : ('allow' as const),
    ...allow,
    secrets: allow?.secrets ?? [],
  }));
  return environmentsOf({ agents: agents.map(selectorFrom), mode, rules: judged }, verb === 'read' ? 'read' : 'update');
}
