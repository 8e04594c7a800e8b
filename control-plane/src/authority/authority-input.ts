import { z } from 'zod';

const maxOverlapHours = 365 * 24;
/** Longer than most agents run: whoever has the bundle from before the rotation ends in the meantime. */
const defaultOverlapHours = 7 * 24;

export const overlapHours = z
  .int()
  .min(0, 'must be at least 0')
  .max(maxOverlapHours, `must be at most ${maxOverlapHours}`)
  .default(defaultOverlapHours);

export const rotateInput = z.strictObject({ overlapHours });
const maxCertificateLength = 65_536;
const maxKeyLength = 16_384;
const tooLong = (max: number) => `must have at most ${max} characters`;

export const importInput = z.strictObject({
  certificate: z.string().max(maxCertificateLength, tooLong(maxCertificateLength)),
  privateKey: z.string().max(maxKeyLength, tooLong(maxKeyLength)),
  overlapHours,
});
export const activateInput = z.strictObject({ isEarly: z.boolean().default(false) });
export const retireInput = z.strictObject({ id: z.uuid('must be the id of an authority').optional() });
