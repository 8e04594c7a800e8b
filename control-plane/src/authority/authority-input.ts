import { authorityKinds } from '@onecli/shared/certificates/sealed-authority';
import { z } from 'zod';

const maxOverlapHours = 365 * 24;
/**
 * Of the gateway's, longer than most agents run: whoever has the bundle from before the rotation ends in the meantime. For client
 * certificates it is enough that every worker trusts the next one.
 */
const defaultOverlapHours = { GATEWAY: 7 * 24, CLIENT: 0 };

const overlapHours = z.int().min(0, 'must be at least 0').max(maxOverlapHours, `must be at most ${maxOverlapHours}`);
const kind = z.enum(authorityKinds).default('GATEWAY').meta({
  description: 'GATEWAY: agents trust it for the hosts they reach. CLIENT: it issues their client certificates.',
});

export const rotateInput = z.strictObject({
  kind,
  overlapHours: overlapHours
    .optional()
    .meta({ description: `Default: ${defaultOverlapHours.GATEWAY}; of a CLIENT one ${defaultOverlapHours.CLIENT}.` }),
});

/** What a rotation does without being told an overlap. */
export function overlapOf({ kind: of, overlapHours: asked }: z.output<typeof rotateInput>): number {
  return asked ?? defaultOverlapHours[of];
}

const maxCertificateLength = 65_536;
const maxKeyLength = 16_384;
const tooLong = (max: number) => `must have at most ${max} characters`;

export const importInput = z.strictObject({
  certificate: z.string().max(maxCertificateLength, tooLong(maxCertificateLength)),
  privateKey: z.string().max(maxKeyLength, tooLong(maxKeyLength)),
  overlapHours: overlapHours.default(defaultOverlapHours.GATEWAY),
});
export const statusInput = z.strictObject({ kind });
export const activateInput = z.strictObject({ kind, isEarly: z.boolean().default(false) });
export const retireInput = z.strictObject({
  kind,
  id: z.uuid('must be the id of an authority').optional(),
  isForced: z.boolean().default(false).meta({
    description: 'Of a CLIENT one: also while agents have certificates by it, which are refused from then on.',
  }),
});
