import { parseAbsoluteTarget, parseTarget } from '@onecli/shared/wire/parse-target';
import { z } from 'zod';
import { method, plainName } from '../configuration/input-parts.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';

const maxHeaders = 100;
const header = z.strictObject({
  name: z
    .string()
    .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/, 'must be the name of a header')
    .transform((name) => name.toLowerCase()),
  value: z
    .string()
    .max(16 * 1024, 'must be at most 16 KB')
    .refine((text) => !/[\0\r\n]/.test(text), 'must not have a line break or a NUL character'),
});

const form = z.strictObject({
  agent: plainName,
  method: method.default('GET'),
  url: z.string().max(8 * 1024, 'must be at most 8 KB'),
  headers: z.array(header).max(maxHeaders, `must be at most ${maxHeaders} headers`).default([]),
});

/** A request that is not sent, as the proxy would take it. */
export interface SimulatedRequest {
  readonly agent: string;
  readonly method: string;
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
  /** Every way in which an upstream may read the path. */
  readonly readings: readonly string[];
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

/** Reads a request by the proxy's own rules. @throws Fault INVALID, with the field */
export function parseSimulation(input: unknown): SimulatedRequest {
  const { url, ...asked } = parseInput(form, input);
  const absolute = parseAbsoluteTarget(url);
  if (absolute.kind === 'fault') throw invalidField('url', `is not one that the proxy takes: ${absolute.detail}`);
  const target = parseTarget(absolute.origin);
  if (target.kind === 'fault') throw invalidField('url', `is not one that the proxy takes: ${target.detail}`);
  const { host, port } = absolute.authority;
  return { ...asked, isSecure: absolute.scheme === 'https', host, port, readings: target.readings };
}
