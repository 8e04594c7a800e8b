import { type LimitName, limitVariables } from '@onecli/shared/limits-table';
import { toLimits } from '../limits.ts';

/** The limits of a worker for which none were set. */
export const defaultLimits = toLimits(
  Object.fromEntries(Object.entries(limitVariables).map(([name, { byDefault }]) => [name, byDefault])) as Record<
    LimitName,
    number
  >,
);
