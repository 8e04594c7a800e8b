import { environmentOf } from '@onecli/shared/domain/names';
import type { Action } from '../auth/actions.ts';
import { authorize, authorizeEach, may } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { AllowDocument } from '../policies/policy-document.ts';
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
      if (!may(principal, action)) authorizeEach(principal, action, environmentsOfDocument(object));
  }
}

function environmentsOfDocument({ kind, fields }: DesiredObject | ActualObject): ReadonlySet<string> {
  if (kind === 'route') return new Set([environmentOf(String(fields['secret']))]);
  const { mode, rules } = fields as { mode: 'enforce' | 'monitor'; rules: { allow?: AllowDocument }[] };
  const judged = rules.map(({ allow }) => ({
    effect: allow === undefined ? ('deny' as const) : ('allow' as const),
    ...allow,
    secrets: allow?.secrets ?? [],
  }));
  return environmentsOf({ mode, rules: judged });
}
