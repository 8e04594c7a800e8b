import { Fault } from '@onecli/shared/fault';
import type { Principal } from '../auth/principal.ts';
import type { ConfigTransaction } from '../configuration/change-config.ts';
import type { Step } from './compute-plan.ts';
import { problemAt } from './config-document.ts';
import { type DesiredObject, type ObjectKind, objectKinds } from './planned-change.ts';
import type { PlannedServices } from './read-actual.ts';

/** The token of an agent, as it is told once. */
export interface MadeToken {
  readonly agent: string;
  readonly token: string;
}

/**
 * Performs the steps of a plan in their order, by the services that do the same for one object.
 * @throws Fault INVALID, IDENTITY_TAKEN, FORBIDDEN with the object's place in the field
 */
export async function performSteps(
  tx: ConfigTransaction,
  principal: Principal,
  services: PlannedServices,
  steps: readonly Step[],
  managedBy: string | undefined,
): Promise<MadeToken[]> {
  const tokens: MadeToken[] = [];
  for (const step of steps) {
    if (step.action === 'DELETE') await remove(tx, principal, services, step);
    if (step.desired === undefined || (step.action !== 'CREATE' && step.action !== 'UPDATE')) continue;
    const token = await write(tx, principal, services, step.desired);
    if (token !== null) tokens.push({ agent: step.name, token });
  }
  if (managedBy !== undefined) for (const kind of objectKinds) await claim(tx, kind, steps, managedBy);
  return tokens;
}

async function write(
  tx: ConfigTransaction,
  principal: Principal,
  services: PlannedServices,
  desired: DesiredObject,
): Promise<string | null> {
  const { kind, name, section, index, value } = desired;
  const { disabled, ...fields } = desired.fields;
  const input = { name, ...fields, ...(disabled !== undefined && { isDisabled: disabled }) };
  try {
    switch (kind) {
      case 'secret':
        await services.secrets.upsertIn(tx, principal, { ...input, ...(value !== undefined && { value }) });
        return null;
      case 'agent':
        return (await services.agents.upsertIn(tx, principal, input)).token;
      case 'policy':
        await services.policies.upsertIn(tx, principal, input);
        return null;
      case 'route':
        await services.routes.upsertIn(tx, principal, input);
        return null;
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { code, field, message } = problemAt(section, index, error);
    throw new Fault(code, message, { field, cause: error });
  }
}

function remove(tx: ConfigTransaction, principal: Principal, services: PlannedServices, { kind, name }: Step) {
  switch (kind) {
    case 'secret':
      return services.secrets.removeIn(tx, principal, name);
    case 'agent':
      return services.agents.removeIn(tx, principal, name);
    case 'policy':
      return services.policies.removeIn(tx, principal, name);
    case 'route':
      return services.routes.removeIn(tx, principal, name);
  }
}

/** Writes the source into its new objects, and into those that it adopts. */
async function claim(
  tx: ConfigTransaction,
  kind: ObjectKind,
  steps: readonly Step[],
  managedBy: string,
): Promise<void> {
  const claimed = steps.filter((step) => step.kind === kind && step.isClaimed);
  if (claimed.length === 0) return;
  const names = claimed.map(({ name }) => name);
  await tx.manager.query(`UPDATE ${kind} SET managed_by = $1 WHERE name = ANY ($2)`, [managedBy, names]);
  for (const { actual, name } of claimed) {
    if (!actual) continue;
    tx.changed(kind, actual.id, 'upsert');
    tx.audit(`${kind}:update`, kind, name, { fields: ['managedBy'], managedBy });
  }
}
