import { z } from 'zod';
import { approvalStates } from './approval-store.ts';

const maxMinutes = 10_080;
const minutesText = `must be a whole number of minutes, 1-${maxMinutes}`;

/** For how long something is approved, and for what. */
export const approvalInput = z.strictObject({
  minutes: z
    .number(minutesText)
    .refine((minutes) => Number.isInteger(minutes) && minutes >= 1 && minutes <= maxMinutes, minutesText)
    .default(60),
  wholeRule: z.boolean('must be true or false').default(false),
});

export const stateInput = z.enum(approvalStates, `must be one of ${approvalStates.join(', ')}`);
