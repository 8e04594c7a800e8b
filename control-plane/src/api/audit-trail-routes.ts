import { z } from 'zod';
import { keptForm, type TrailService } from '../audit/trail/trail.service.ts';
import { parseForm } from './page-query.ts';
import { time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const head = z
  .strictObject({
    key: z.string().meta({ description: 'The public key of the checkpoints: name, key id and key, joined by `+`.' }),
    size: z.int().meta({ description: 'Entries in the trail.' }),
    signedAt: time.nullable(),
    checkpoint: z.string().nullable().meta({ description: 'The last checkpoint, a signed note: keep it elsewhere.' }),
    chainFaults: z.int().meta({ description: 'Gaps and wrong MACs that were found as entries came.' }),
  })
  .meta({ id: 'AuditTrailHead' });

const fault = z.strictObject({
  kind: z.string(),
  index: z.int().meta({ description: 'Of the entry: the first that it may be.' }),
  id: z.string().nullable().meta({ description: 'Of the event, where it is known.' }),
  message: z.string(),
});

const report = z
  .strictObject({
    isSound: z.boolean(),
    first: fault.nullable().meta({ description: 'The first bad event.' }),
    faults: z.array(fault).meta({ description: 'At most a hundred.' }),
    faultCount: z.int(),
    size: z.int(),
    start: z.int().meta({ description: 'Entries before it went by retention.' }),
    entries: z.int(),
    checkpoints: z.int(),
    areMacsChecked: z.boolean(),
    key: z.string().nullable(),
    checkpoint: z.string().nullable(),
  })
  .meta({ id: 'AuditTrailReport' });

/** A number of entries, or a place among them. */
const count = (from: number) =>
  z
    .string()
    .regex(/^[0-9]{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= from, `must be at least ${from}`);

const inclusionForm = z.strictObject({ index: count(0), size: count(1) });
const consistencyForm = z.strictObject({ first: count(1), size: count(1) });

const path = z.strictObject({ path: z.array(z.string()).meta({ description: 'Hashes, hexadecimal, from below.' }) });

/** `/api/audit/trail`: the proof of the audit trail. */
export function auditTrailRoutes(trail: TrailService): RestRoute[] {
  return [
    restRoute({
      method: 'get',
      path: '/audit/trail',
      id: 'getAuditTrail',
      summary: 'The head of the audit trail, and its last checkpoint',
      access: 'audit:read',
      status: 200,
      answer: head,
      handle: ({ principal }) => trail.head(principal),
    }),
    restRoute({
      method: 'post',
      path: '/audit/trail/verify',
      id: 'verifyAuditTrail',
      summary: 'Verify the whole audit trail, and name the first bad event',
      access: 'audit:read',
      body: keptForm,
      status: 200,
      answer: report,
      faults: ['OVERLOADED'],
      handle: ({ principal, body }) => trail.verify(principal, body.checkpoints ?? []),
    }),
    restRoute({
      method: 'get',
      path: '/audit/trail/inclusion/{size}/{index}',
      id: 'getAuditInclusionProof',
      summary: 'Proof that an entry is in the tree of a checkpoint (RFC 9162, 2.1.3)',
      access: 'audit:read',
      status: 200,
      answer: path,
      handle: async ({ principal, params }) => {
        const { index, size } = parseForm(inclusionForm, params);
        return { path: await trail.inclusion(principal, index, size) };
      },
    }),
    restRoute({
      method: 'get',
      path: '/audit/trail/consistency/{size}/{first}',
      id: 'getAuditConsistencyProof',
      summary: 'Proof that the tree of a checkpoint begins with that of an earlier one (RFC 9162, 2.1.4)',
      access: 'audit:read',
      status: 200,
      answer: path,
      handle: async ({ principal, params }) => {
        const { first, size } = parseForm(consistencyForm, params);
        return { path: await trail.consistency(principal, first, size) };
      },
    }),
  ];
}
