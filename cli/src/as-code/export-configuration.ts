import { apiVersion } from '@onecli/shared/domain/configuration-file';
import { environmentOf } from '@onecli/shared/domain/names';
import { splitAlias } from '@onecli/shared/domain/placeholder';
import { stringify } from 'yaml';
import { z } from 'zod';
import { conventionalVariables } from '../placeholder-variables.ts';

const managed = { name: z.string(), managedBy: z.string().nullish() };

/** What an export takes of the API's answers. */
export const exportSchemas = {
  secrets: z.looseObject({
    ...managed,
    description: z.string(),
    binding: z.record(z.string(), z.unknown()).nullable(),
    alias: z.string().nullable(),
    leaseSeconds: z.number().nullish(),
    disabled: z.boolean(),
  }),
  agents: z.looseObject({
    ...managed,
    labels: z.record(z.string(), z.string()),
    identities: z.array(z.record(z.string(), z.unknown())),
    disabled: z.boolean(),
  }),
  policies: z.looseObject({ ...managed, agents: z.array(z.unknown()), mode: z.string(), rules: z.array(z.unknown()) }),
  routes: z.looseObject({
    ...managed,
    secret: z.string(),
    hosts: z.array(z.string()),
    paths: z.array(z.string()),
    methods: z.array(z.string()),
    inject: z.array(z.record(z.string(), z.unknown())),
  }),
} as const;

/** What runs on a gateway. */
export type Running = { readonly [S in keyof typeof exportSchemas]: readonly z.infer<(typeof exportSchemas)[S]>[] };

export interface ExportOptions {
  readonly managedBy: string | undefined;
  /** Whether each secret says from which variable its value comes. */
  readonly hasValues: boolean;
}

/** A file that says what runs, and that changes nothing when it is applied. What is a default is left out. */
export function exportConfiguration(running: Running, { managedBy, hasValues }: ExportOptions): string {
  const isWanted = (object: { readonly managedBy?: string | null | undefined }) =>
    managedBy === undefined || object.managedBy === managedBy;
  const secrets = running.secrets.filter(isWanted);
  const variables = variablesFor(secrets.map(({ name }) => name));
  const file = {
    apiVersion,
    ...(managedBy !== undefined && { managedBy }),
    secrets: secrets.map(({ name, description, binding, alias, leaseSeconds, disabled }) => ({
      name,
      ...(description !== '' && { description }),
      ...(hasValues && { valueFrom: { env: variables.get(name) } }),
      ...(binding !== null && { binding }),
      ...(typeof leaseSeconds === 'number' && { leaseSeconds }),
      ...(alias !== null && { alias: { prefix: splitAlias(alias).prefix } }),
      ...(disabled && { disabled }),
    })),
    agents: running.agents.filter(isWanted).map(({ name, labels, identities, disabled }) => ({
      name,
      ...(Object.keys(labels).length > 0 && { labels }),
      identities,
      ...(disabled && { disabled }),
    })),
    policies: running.policies.filter(isWanted).map(({ name, agents, mode, rules }) => ({
      name,
      agents,
      ...(mode !== 'enforce' && { mode }),
      rules,
    })),
    routes: running.routes.filter(isWanted).map(({ name, secret, hosts, paths, methods, inject }) => ({
      name,
      secret,
      hosts,
      ...(paths.length > 0 && { paths }),
      ...(methods.length > 0 && { methods }),
      inject,
    })),
  };
  const said = Object.fromEntries(Object.entries(file).filter(([, part]) => !Array.isArray(part) || part.length > 0));
  return stringify(said, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** A variable for each secret: the one that libraries read, with the environment ahead where two would have the same. */
export function variablesFor(names: readonly string[]): ReadonlyMap<string, string> {
  const usual = (name: string) => conventionalVariables(name)[0] ?? '';
  const counts = new Map<string, number>();
  for (const name of names) counts.set(usual(name), (counts.get(usual(name)) ?? 0) + 1);
  const taken = new Set<string>();
  return new Map(
    names.map((name) => {
      const prefix = environmentOf(name).toUpperCase().replaceAll('-', '_');
      const wanted = counts.get(usual(name)) === 1 ? usual(name) : `${prefix}_${usual(name)}`;
      const start = /^[0-9]/.test(wanted) || wanted.startsWith('ONECLI_') ? `SECRET_${wanted}` : wanted;
      let variable = start;
      for (let number = 2; taken.has(variable); number += 1) variable = `${start}_${number}`;
      taken.add(variable);
      return [name, variable];
    }),
  );
}
