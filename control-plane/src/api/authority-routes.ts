import { authorityKinds } from '@onecli/shared/certificates/sealed-authority';
import { z } from 'zod';
import { activateInput, importInput, retireInput, rotateInput, statusInput } from '../authority/authority-input.ts';
import type { AuthoritiesWritten, AuthorityService } from '../authority/authority.service.ts';
import { authorityStates } from '../authority/authority-store.ts';
import { revision, texts, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const holder = z
  .strictObject({
    agent: z.string(),
    expiresAt: time.meta({ description: 'When its last certificate expires.' }),
    isRenewed: z.boolean().meta({ description: 'It was given one by a later authority since.' }),
  })
  .meta({ id: 'AuthorityHolder' });
const authority = z
  .strictObject({
    id: z.uuid(),
    state: z.enum(authorityStates),
    subject: z.string(),
    fingerprint: z.string().meta({ description: 'SHA-256 of the certificate.' }),
    trustFingerprint: z.string().nullable().meta({
      description: 'SHA-256 of the certificate that is trusted for it: its own, or the root that it came with.',
    }),
    constraints: texts.meta({ description: 'Which hosts it may issue for, by its name constraints; none: any.' }),
    notBefore: time.nullable(),
    notAfter: time.nullable(),
    isIntact: z
      .boolean()
      .meta({ description: 'False: its row was altered. It is neither handed out, nor trusted, nor used.' }),
    createdAt: time,
    activatesAt: time.nullable().meta({ description: 'When the next one becomes active by itself.' }),
    activatedAt: time.nullable(),
    replacedAt: time.nullable(),
    holders: z
      .array(holder)
      .meta({ description: 'Of a CLIENT one: agents with unexpired certificates by it, a hundred at most.' }),
    holderCount: z.int(),
    unrecordedUntil: time.nullable().meta({
      description:
        'Certificates that an earlier release issued by it may be good until then, and nobody knows whose they are.',
    }),
  })
  .meta({ id: 'Authority' });
const form = {
  kind: z.enum(authorityKinds),
  authorities: z.array(authority).meta({ description: 'The active one first.' }),
  waitingFor: texts.meta({
    description:
      'Live workers that the next step waits for: they do not hand out or trust the next authority, or do not sign with the active one.',
  }),
};
const answer = z.strictObject(form).meta({ id: 'Authorities' });
const writtenAnswer = z
  .strictObject({ ...form, change: z.enum(['CREATED', 'UPDATED', 'DELETED', 'UNCHANGED']), revision })
  .meta({ id: 'AuthoritiesWritten' });

const show = ({ object, change, revision: at }: AuthoritiesWritten) => ({ ...object, change, revision: at });

/** `/api/authorities`. No answer has a key. */
export function authorityRoutes(authorities: AuthorityService): RestRoute[] {
  return [...routesToNext(authorities), ...routesFromNext(authorities)];
}

function routesToNext(authorities: AuthorityService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/authorities',
      id: 'getAuthorities',
      summary: 'The certificate authorities that agents are to trust, or that issue their client certificates',
      access: 'authority:read',
      query: statusInput,
      status: 200,
      answer,
      handle: ({ principal, query }) => authorities.status(principal, query),
    }),
    restRoute({
      method: 'post',
      path: '/authorities/rotate',
      id: 'rotateAuthority',
      isWaitable: true,
      summary: 'Make the next authority, which is trusted beside the active one; while there is one it changes nothing',
      access: 'authority:rotate',
      body: rotateInput.meta({ id: 'AuthorityRotate' }),
      status: 200,
      answer: writtenAnswer,
      faults: ['CONFLICT'],
      handle: async ({ principal, body }) => show(await authorities.rotate(principal, body)),
    }),
    restRoute({
      method: 'post',
      path: '/authorities/import',
      id: 'importAuthority',
      isWaitable: true,
      summary: 'Make an authority of your own the next one',
      access: 'authority:import',
      body: importInput.meta({ id: 'AuthorityImport' }),
      status: 200,
      answer: writtenAnswer,
      faults: ['CONFLICT'],
      handle: async ({ principal, body }) => show(await authorities.import(principal, body)),
    }),
  ];
}

function routesFromNext(authorities: AuthorityService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/authorities/activate',
      id: 'activateAuthority',
      isWaitable: true,
      summary: 'Let the next authority sign now',
      access: 'authority:rotate',
      body: activateInput.meta({ id: 'AuthorityActivate' }),
      status: 200,
      answer: writtenAnswer,
      faults: ['CONFLICT'],
      handle: async ({ principal, body }) => show(await authorities.activate(principal, body)),
    }),
    restRoute({
      method: 'post',
      path: '/authorities/retire',
      id: 'retireAuthority',
      isWaitable: true,
      summary: 'Have authorities trusted no more, and destroy their keys',
      access: 'authority:rotate',
      body: retireInput.meta({ id: 'AuthorityRetire' }),
      status: 200,
      answer: writtenAnswer,
      faults: ['CONFLICT'],
      handle: async ({ principal, body }) => show(await authorities.retire(principal, body)),
    }),
  ];
}
