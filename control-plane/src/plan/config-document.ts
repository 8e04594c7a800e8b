import { managedByName, type Section, sections } from '@onecli/shared/domain/configuration-file';
import { Fault } from '@onecli/shared/fault';
import { z } from 'zod';
import { newAgentInput } from '../agents/agent-input.ts';
import { documentOf as identityDocument, identitiesOf } from '../agents/identity-document.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import { bodyOf, documentOf as policyDocument } from '../policies/policy-document.ts';
import { newPolicyInput } from '../policies/policy-input.ts';
import { newRouteInput } from '../routes/route-input.ts';
import { newSecretFields } from '../secrets/secret-input.ts';
import type { DesiredObject, PlanProblem } from './planned-change.ts';

/** All objects of one configuration, so that the lock of a change is held for seconds at most. */
const maxObjects = 10_000;

/** The objects of a configuration as a person writes them. What is absent is the default; a value and `disabled` stay as they are. */
export const objectSchemas = {
  secrets: newSecretFields.omit({ generate: true, expiresAt: true, maxVersions: true }).extend({
    value: newSecretFields.shape.value.optional(),
    disabled: z.boolean().optional(),
  }),
  agents: newAgentInput.extend({ disabled: z.boolean().optional() }),
  policies: newPolicyInput,
  routes: newRouteInput,
} as const satisfies Record<Section, z.ZodType>;

const list = z.array(z.unknown()).default([]);
const config = z
  .strictObject({ secrets: list, agents: list, policies: list, routes: list })
  .refine(
    (value) => sections.reduce((sum, section) => sum + value[section].length, 0) <= maxObjects,
    `must be at most ${maxObjects} objects`,
  );

/** What a plan is asked for with. */
export const planRequest = z
  .strictObject({
    config,
    managedBy: managedByName.optional(),
    prune: z.boolean().default(false),
    adopt: z.boolean().default(false),
    withoutValues: z.boolean().default(false),
  })
  .refine(({ prune, managedBy }) => !prune || managedBy !== undefined, {
    message: 'needs `managedBy`: only what that source made is removed',
    path: ['prune'],
  })
  .refine(({ adopt, managedBy }) => !adopt || managedBy !== undefined, {
    message: 'needs `managedBy`: the source that the objects are to belong to',
    path: ['adopt'],
  });
export type PlanRequest = z.output<typeof planRequest>;

/** What is applied: the same, and the hash of its plan. */
export const applyRequest = planRequest.safeExtend({
  planHash: z.string().max(200, 'is not the hash of a plan'),
});

/** Checks each object by itself, so that all that is wrong is told at once. A name is there once in its list. */
export function readDesired(given: PlanRequest['config']): { desired: DesiredObject[]; problems: PlanProblem[] } {
  const desired: DesiredObject[] = [];
  const problems: PlanProblem[] = [];
  for (const section of sections) {
    const names = new Set<string>();
    for (const [index, input] of given[section].entries()) {
      try {
        if (hasPrototypeKey(input)) throw invalidField('__proto__', 'is not a known field');
        const object = readers[section](input, index);
        if (names.has(object.name)) throw invalidField('name', 'is there twice');
        names.add(object.name);
        desired.push(object);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        problems.push(problemAt(section, index, error));
      }
    }
  }
  return { desired, problems };
}

/** zod passes over a key of this name in records; whoever wrote it is told all the same. */
function hasPrototypeKey(input: unknown): boolean {
  const left = [input];
  for (let value = left.pop(); value !== undefined || left.length > 0; value = left.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return true;
    for (const inner of Object.values(value)) left.push(inner);
  }
  return false;
}

/** A fault of one object, with the object's place ahead of its field. */
export function problemAt(section: Section, index: number, { code, message, field }: Fault): PlanProblem {
  const place = `${section}[${index}]`;
  const whole = field === undefined ? place : `${place}.${field}`;
  const said = field !== undefined && message.startsWith(field) ? message.slice(field.length) : ` ${message}`;
  return { code, field: whole, message: `${whole}${said}` };
}

const readers = {
  secrets(input: unknown, index: number): DesiredObject {
    const { name, value, disabled, description, binding, alias, leaseSeconds } = parseInput(
      objectSchemas.secrets,
      input,
    );
    const fields = { description, binding, alias, leaseSeconds, ...(disabled !== undefined && { disabled }) };
    return { kind: 'secret', section: 'secrets', index, name, fields: plain(fields), value };
  },
  agents(input: unknown, index: number): DesiredObject {
    const { name, labels, identities, disabled } = parseInput(objectSchemas.agents, input);
    const documents = identitiesOf(identities).map(identityDocument);
    const fields = { labels, identities: documents, ...(disabled !== undefined && { disabled }) };
    return { kind: 'agent', section: 'agents', index, name, fields: plain(fields) };
  },
  policies(input: unknown, index: number): DesiredObject {
    const { name, ...content } = parseInput(objectSchemas.policies, input);
    return { kind: 'policy', section: 'policies', index, name, fields: plain(policyDocument(bodyOf(content))) };
  },
  routes(input: unknown, index: number): DesiredObject {
    const { name, ...body } = parseInput(objectSchemas.routes, input);
    return { kind: 'route', section: 'routes', index, name, fields: plain(body) };
  },
} as const;

/** As JSON has it, and as a comparison needs it: times are texts, and what is undefined is not there. */
export function plain(fields: object): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
}
