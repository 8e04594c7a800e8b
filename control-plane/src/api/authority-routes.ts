import { z } from 'zod';
import { activateInput, importInput, retireInput, rotateInput } from '../authority/authority-input.ts';
import type { AuthoritiesWritten, AuthorityService } from '../authority/authority.service.ts';
import { authorityStates } from '../authority/authority-store.ts';
import { revision, texts, time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const authority = z
  .strictObject({
    id: z.uuid(),
    state: z.enum(authorityStates),
    subject: z.string(),
    fingerprint: z.string().meta({ description: 'SHA-256 of the certificate.' }),
    trustFingerprint: z.string().nullable().meta({
      description:
        'SHA-256 of the certificate that agents are given to trust for it: its own, or the root that it came with.',
    }),
    constraints: texts.meta({ description: 'Which hosts it may issue for, by its name constraints; none: any.' }),
    notBefore: time.nullable(),
    notAfter: time.nullable(),
    isIntact: z.boolean().meta({ description: 'False: its row was altered. It is neither handed out nor used.' }),
    createdAt: time,
    activatesAt: time.nullable().meta({ description: 'When the next one becomes active by itself.' }),
    activatedAt: time.nullable(),
    replacedAt: time.nullable(),
  })
  .meta({ id: 'Authority' });
const form = {
  authorities: z.array(authority).meta({ description: 'The active one first.' }),
  waitingFor: texts.meta({
    description:
      'Live workers that the next step waits for: they do not hand out the next authority, or do not sign with the active one.',
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
      summary: 'The certificate authorities that agents are to trust',
      access: 'authority:read',
      status: 200,
      answer,
      handle: ({ principal }) => authorities.status(principal),
    }),
    restRoute({
      method: 'post',
      path: '/authorities/rotate',
      id: 'rotateAuthority',
      summary: 'Make the next authority, which agents are given to trust; while there is one it changes nothing',
      access: 'authority:rotate',
      body: rotateInput.meta({ id: 'AuthorityRotate' }),
      status: 200,
      answer: writtenAnswer,
      handle: async ({ principal, body }) => show(await authorities.rotate(principal, body)),
    }),
    restRoute({
      method: 'post',
      path: '/authorities/import',
      id: 'importAuthority',
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
      summary: 'Take authorities out of what agents are given to trust, and destroy their keys',
      access: 'authority:rotate',
      body: retireInput.meta({ id: 'AuthorityRetire' }),
      status: 200,
      answer: writtenAnswer,
      faults: ['CONFLICT'],
      handle: async ({ principal, body }) => show(await authorities.retire(principal, body)),
    }),
  ];
}
