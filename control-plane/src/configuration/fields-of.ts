import { Fault } from '@onecli/shared/fault';

/** The fields of an input. @throws Fault INVALID */
export function fieldsOf(input: unknown): Readonly<Record<string, unknown>> {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new Fault('INVALID', 'The body must be an object');
  return input as Readonly<Record<string, unknown>>;
}
