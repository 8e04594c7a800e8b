import {
  apiVersion,
  managedByName,
  type Section,
  sections,
  type ValueFrom,
  valueFrom,
} from '@onecli/shared/domain/configuration-file';
import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import { printable } from '../terminal.ts';
import type { SourceDocument } from './read-documents.ts';

type Fields = Record<string, unknown>;

/** What several documents say together. */
export interface Configuration {
  readonly objects: Readonly<Record<Section, readonly Fields[]>>;
  readonly managedBy: string | undefined;
  /** The secrets whose value comes from somewhere, by their place in the list. */
  readonly sources: readonly SecretSource[];
  /** `path:line:column` of a field as the API names it: `policies[3].rules[0].allow.hosts[1]`. */
  place(field: string): string;
}

export interface SecretSource {
  readonly index: number;
  readonly from: ValueFrom;
  /** The file that says so. */
  readonly path: string;
  /** Where it says so. */
  readonly place: string;
}

const object = z.record(z.string(), z.unknown());
const secret = object
  .refine((fields) => !Object.hasOwn(fields, 'value'), {
    message: 'must not stand in a file: say where it comes from, `valueFrom: { env: VARIABLE }`',
    path: ['value'],
  })
  .pipe(z.looseObject({ valueFrom: valueFrom.optional() }));
const document = z.strictObject({
  apiVersion: z.literal(apiVersion, `must be ${apiVersion}`),
  managedBy: managedByName.optional(),
  secrets: z.array(secret).nullable().default([]),
  agents: z.array(object).nullable().default([]),
  policies: z.array(object).nullable().default([]),
  routes: z.array(object).nullable().default([]),
});

/**
 * Puts documents together, in their order. What an object has to have is the API's to judge; here is looked at the frame, and
 * at where values come from. @throws CliError that lists every fault with file, line and column
 */
export function readConfiguration(documents: readonly SourceDocument[]): Configuration {
  const objects: Record<Section, Fields[]> = { secrets: [], agents: [], policies: [], routes: [] };
  const origins: Record<Section, { document: SourceDocument; index: number }[]> = {
    secrets: [],
    agents: [],
    policies: [],
    routes: [],
  };
  const sources: SecretSource[] = [];
  const faults: string[] = [];
  const managers = new Map<string, string>();
  for (const source of documents) {
    const parsed = document.safeParse(source.content);
    if (!parsed.success) {
      faults.push(...parsed.error.issues.flatMap((issue) => describe(source, issue)));
      continue;
    }
    const { managedBy } = parsed.data;
    if (managedBy !== undefined && !managers.has(managedBy)) managers.set(managedBy, source.place(['managedBy']));
    for (const section of sections) {
      for (const [index, { valueFrom: from, ...fields }] of (parsed.data[section] ?? []).entries()) {
        if (section === 'secrets' && from !== undefined) {
          const place = source.place([section, index, 'valueFrom']);
          sources.push({ index: objects.secrets.length, from: from as ValueFrom, path: source.path, place });
        }
        objects[section].push(section === 'secrets' || from === undefined ? fields : { ...fields, valueFrom: from });
        origins[section].push({ document: source, index });
      }
    }
  }
  const [first, second] = [...managers];
  if (first && second)
    faults.push(`${second[1]}: managedBy must be that of ${first[1]}: one source is applied at once`);
  if (faults.length > 0) throw new CliError(faultList(faults));
  return { objects, managedBy: first?.[0], sources, place: (field) => placeOf(origins, field) };
}

const maxFaults = 50;

/** What is wrong, a line each. */
export function faultList(faults: readonly string[]): string {
  const more = faults.length > maxFaults ? [`… and ${faults.length - maxFaults} more`] : [];
  return ['the configuration has faults:', ...[...faults.slice(0, maxFaults), ...more].map((one) => `  ${one}`)].join(
    '\n',
  );
}

function describe(source: SourceDocument, issue: z.core.$ZodIssue): string[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${source.place([...path, key])}: ${printable(fieldText([...path, key]))} is not a known field`,
    );
  }
  const isAbsent = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  const field = printable(fieldText(path)) || 'the document';
  const problem =
    issue.code !== 'invalid_type' ? issue.message : isAbsent ? 'is required' : `must be a ${nounOf(issue.expected)}`;
  return [`${source.place(path)}: ${field} ${problem}`];
}

function nounOf(expected: string): string {
  return { array: 'list', record: 'mapping', object: 'mapping' }[expected] ?? expected;
}

function fieldText(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

function placeOf(
  origins: Readonly<Record<Section, readonly { document: SourceDocument; index: number }[]>>,
  field: string,
): string {
  const [section, index, ...rest] = [...field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, digits, name]) =>
    digits === undefined ? (name ?? '') : Number(digits),
  );
  const list = origins[section as Section] as (typeof origins)[Section] | undefined;
  const origin = typeof index === 'number' ? list?.[index] : undefined;
  if (origin === undefined) return '';
  const inner = section === 'secrets' && rest[0] === 'value' ? ['valueFrom'] : rest;
  return origin.document.place([section as string, origin.index, ...inner]);
}
