import { z } from 'zod';
import { runOutcomes, runSteps } from '../rotation/rotation.entity.ts';
import { rotationInput } from '../rotation/rotation-input.ts';
import type { RotationService } from '../rotation/rotation.service.ts';
import { pageForm } from './page-query.ts';
import { pageBody } from './rest-body.ts';
import { lastRevision, pageOf, revision, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const rotation = z
  .strictObject({
    secret: z.string(),
    recipe: z.record(z.string(), z.unknown()).meta({ description: 'As it was put, with its defaults.' }),
    schedule: z.string().nullable(),
    zone: z.string(),
    isEnabled: z.boolean(),
    nextRunAt: time.nullable(),
    revision: lastRevision,
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Rotation' });

const run = z
  .strictObject({
    id: z.uuid(),
    secret: z.string(),
    step: z.enum(runSteps),
    outcome: z.enum(runOutcomes).nullable().meta({ description: 'Null while it is under way.' }),
    problem: z.string().nullable(),
    cause: z.enum(['asked', 'schedule']),
    oldVersion: z.int().min(1),
    newVersion: z.int().min(1).nullable(),
    watchUntil: time.nullable(),
    graceUntil: time.nullable(),
    startedAt: time,
    finishedAt: time.nullable(),
  })
  .meta({ id: 'RotationRun' });

const writtenRun = run.extend({ revision }).meta({ id: 'WrittenRotationRun' });

/** `/api/rotations`: how secrets are rotated, and each time that it is done. No answer has a value. */
export function rotationRoutes(rotations: RotationService): RestRoute[] {
  return [...settingRoutes(rotations), ...runRoutes(rotations)];
}

function settingRoutes(rotations: RotationService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/rotations',
      id: 'listRotations',
      summary: 'How secrets are rotated, in the order of their names',
      access: 'rotation:read',
      status: 200,
      query: pageForm,
      answer: pageOf(rotation),
      handle: async ({ principal, query }) => pageBody(await rotations.list(principal, query), (view) => view),
    }),
    restRoute({
      method: 'get',
      path: '/rotations/{name}',
      id: 'getRotation',
      isConditional: true,
      summary: 'How a secret is rotated',
      access: 'rotation:read',
      status: 200,
      answer: rotation,
      handle: ({ principal, params }) => rotations.get(principal, params.name),
    }),
    restRoute({
      method: 'put',
      path: '/rotations/{name}',
      id: 'putRotation',
      isWaitable: true,
      isConditional: true,
      summary: 'Set how a secret is rotated, as a whole',
      access: 'rotation:update',
      body: rotationInput.meta({ id: 'RotationInput' }),
      faults: ['CONFLICT'],
      status: 200,
      answer: rotation.extend({ revision }).meta({ id: 'WrittenRotation' }),
      handle: async ({ principal, params, body, conditions }) => {
        const { object, revision: written } = await rotations.put(principal, params.name, body, conditions);
        return { ...object, revision: written };
      },
    }),
    restRoute({
      method: 'delete',
      path: '/rotations/{name}',
      id: 'deleteRotation',
      isWaitable: true,
      isConditional: true,
      summary: 'Do not rotate a secret any more; absent is fine',
      access: 'rotation:delete',
      status: 204,
      faults: ['CONFLICT'],
      handle: ({ principal, params, conditions }) => rotations.remove(principal, params.name, conditions),
    }),
  ];
}

const showRun = ({ object, revision: at }: Awaited<ReturnType<RotationService['run']>>) => ({
  ...object,
  revision: at,
});

function runRoutes(rotations: RotationService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/rotations/{name}/runs',
      id: 'runRotation',
      isWaitable: true,
      summary: 'Begin to rotate a secret',
      access: 'rotation:run',
      status: 201,
      answer: writtenRun,
      faults: ['CONFLICT'],
      handle: async ({ principal, params }) => showRun(await rotations.run(principal, params.name)),
    }),
    restRoute({
      method: 'post',
      path: '/rotations/{name}/cancel',
      id: 'cancelRotation',
      isWaitable: true,
      summary: 'Let the newest run of a rotation go no further',
      description:
        'Until the new version has proven itself, the old one stays or comes back and the new key is ended; in its grace time both keys stay.',
      access: 'rotation:run',
      status: 200,
      answer: writtenRun,
      faults: ['CONFLICT'],
      handle: async ({ principal, params }) => showRun(await rotations.cancel(principal, params.name)),
    }),
    restRoute({
      method: 'get',
      path: '/rotations/{name}/runs',
      id: 'listRotationRuns',
      summary: 'The last times that a secret was rotated, the newest first',
      access: 'rotation:read',
      status: 200,
      answer: z.strictObject({ items: z.array(run) }),
      handle: async ({ principal, params }) => ({ items: await rotations.runs(principal, params.name) }),
    }),
  ];
}
