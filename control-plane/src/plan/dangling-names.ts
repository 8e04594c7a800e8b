import { type EntityManager, type EntitySchema, In } from 'typeorm';
import { AgentEntity } from '../agents/agent.entity.ts';
import { SecretEntity } from '../secrets/secret.entity.ts';
import type { Step } from './compute-plan.ts';
import type { ObjectKind, PlanProblem } from './planned-change.ts';

interface Reference {
  readonly kind: Extract<ObjectKind, 'agent' | 'secret'>;
  readonly name: string;
  readonly field: string;
  /** It is named by an object that stays as it is: what it names may be gone already. */
  readonly isKept: boolean;
}

/**
 * What policies and routes of the configuration name and what will not be there: neither in it nor, after it, on the gateway.
 * An object that is itself wrong is no reason to say so twice. What the principal may not write is not looked at: it could name
 * secrets of other environments to learn which there are.
 */
export async function danglingNames(
  manager: EntityManager,
  steps: readonly Step[],
  problems: readonly PlanProblem[],
): Promise<PlanProblem[]> {
  if (problems.length > 0) return [];
  const references = steps.flatMap(referencesOf);
  const known = {
    agent: await namesAfter(manager, AgentEntity, 'agent', steps, references),
    secret: await namesAfter(manager, SecretEntity, 'secret', steps, references),
  };
  return references
    .filter(({ kind, name, isKept }) => (isKept ? known[kind].gone.has(name) : !known[kind].names.has(name)))
    .map(({ kind, field }) => ({
      code: 'INVALID',
      field,
      message: `${field} names no ${kind} that exists, or one that this would delete`,
    }));
}

function referencesOf({ kind, action, desired, refused }: Step): Reference[] {
  if (desired === undefined || action === 'UNKNOWN' || refused?.code === 'FORBIDDEN') return [];
  const place = `${desired.section}[${desired.index}]`;
  const isKept = action === 'NONE';
  if (kind === 'route')
    return [{ kind: 'secret', name: String(desired.fields['secret']), field: `${place}.secret`, isKept }];
  if (kind !== 'policy') return [];
  const { agents, rules } = desired.fields as { agents: unknown[]; rules: { allow?: { secrets?: string[] } }[] };
  return [
    ...agents.flatMap((agent, index): Reference[] =>
      typeof agent === 'string' && !agent.includes('*')
        ? [{ kind: 'agent', name: agent, field: `${place}.agents[${index}]`, isKept }]
        : [],
    ),
    ...rules.flatMap(({ allow }, rule) =>
      (allow?.secrets ?? []).map((name, index): Reference => {
        return { kind: 'secret', name, field: `${place}.rules[${rule}].allow.secrets[${index}]`, isKept };
      }),
    ),
  ];
}

async function namesAfter(
  manager: EntityManager,
  entity: EntitySchema<{ id: string; name: string }>,
  kind: Reference['kind'],
  steps: readonly Step[],
  references: readonly Reference[],
): Promise<{ readonly names: ReadonlySet<string>; readonly gone: ReadonlySet<string> }> {
  const own = steps.filter((step) => step.kind === kind);
  const names = new Set(own.filter(({ action }) => action !== 'DELETE').map(({ name }) => name));
  const gone = new Set(own.filter(({ action }) => action === 'DELETE').map(({ name }) => name));
  const asked = [...new Set(references.filter((one) => one.kind === kind).map(({ name }) => name))];
  const missing = asked.filter((name) => !names.has(name) && !gone.has(name));
  if (missing.length === 0) return { names, gone };
  const rows = await manager.find(entity, { select: { id: true, name: true }, where: { name: In(missing) } });
  return { names: new Set([...names, ...rows.map(({ name }) => name)]), gone };
}
