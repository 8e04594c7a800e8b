import { z } from 'zod';
import type { BackupService } from '../backup/backup.service.ts';
import type { KeysService } from '../keys/keys.service.ts';
import { revision, texts, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const terms = z.array(z.int());
const keysForm = {
  sealingTerm: z.int().meta({ description: 'The key term that new values are sealed under.' }),
  rotation: z.enum(['IDLE', 'WAITING', 'MOVING', 'BLOCKED']),
  total: z.int().meta({ description: 'Sealed values in all.' }),
  current: z.int().meta({ description: 'Those of them that are under the sealing term.' }),
  terms: z.array(
    z.strictObject({
      term: z.int(),
      state: z.enum(['ANNOUNCED', 'SEALING', 'OPENING', 'AUDIT_ONLY']),
      createdAt: time,
      activatedAt: time.nullable(),
      retiredAt: time.nullable(),
    }),
  ),
  sealed: z.array(z.strictObject({ table: z.string(), term: z.int(), count: z.int() })),
  holders: z.array(
    z.strictObject({
      kind: z.enum(['worker', 'control-plane']),
      name: z.string(),
      terms: terms.nullable().meta({ description: 'That it can open; null: of a release that does not tell.' }),
      isMasterKeyCurrent: z.boolean().nullable(),
    }),
  ),
  waitingFor: texts.meta({ description: 'Live processes that the rotation waits for.' }),
  unopenable: texts.meta({ description: 'Values that do not open, as `table row version`; at most 20.' }),
  damaged: z.array(z.strictObject({ secret: z.string(), version: z.int(), isCurrent: z.boolean() })).meta({
    description: 'Those of them that are versions of secrets: destroy them, the current one after a new value.',
  }),
};
const keysAnswer = z.strictObject(keysForm).meta({ id: 'Keys' });
const rotatedAnswer = z
  .strictObject({ ...keysForm, change: z.enum(['CREATED', 'UNCHANGED']), revision })
  .meta({ id: 'KeysRotated' });

/** `/api/keys`. No answer has a key. */
export function keyRoutes(keys: KeysService, backups: BackupService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/keys',
      id: 'getKeys',
      summary: 'The key terms, how far a rotation is, and what each process has of them',
      access: 'keys:read',
      status: 200,
      answer: keysAnswer,
      handle: ({ principal }) => keys.status(principal),
    }),
    restRoute({
      method: 'post',
      path: '/keys/rotate',
      id: 'rotateKeys',
      summary: 'Begin to move every sealed value to a new key term; while a rotation is under way it changes nothing',
      access: 'keys:rotate',
      status: 200,
      answer: rotatedAnswer,
      handle: async ({ principal }) => {
        const { object, change, revision: at } = await keys.rotate(principal);
        return { ...object, change, revision: at };
      },
    }),
    restRoute({
      method: 'post',
      path: '/restore/confirm',
      id: 'confirmRestore',
      isWaitable: true,
      summary: 'Let workers take the configuration as it is, although a restore went back in time',
      access: 'backup:confirm',
      status: 200,
      answer: z.strictObject({ revision }).meta({ id: 'RestoreConfirmed' }),
      handle: ({ principal }) => backups.confirmRestore(principal),
    }),
  ];
}
