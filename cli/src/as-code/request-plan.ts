import type { z } from 'zod';
import { type ApiClient, ApiError, UnansweredError } from '../api/api-client.ts';
import { CliError } from '../cli-error.ts';
import type { Variables } from '../environment.ts';
import { printable } from '../terminal.ts';
import { type Configuration, faultList, readConfiguration } from './configuration.ts';
import { findFiles, stdinPath } from './find-files.ts';
import { applyAnswer, type PlanAnswer, planAnswer } from './plan-answer.ts';
import { readDocuments } from './read-documents.ts';
import { resolveValues } from './resolve-values.ts';

/** What plan, diff and apply are told alike. */
export interface SourceOptions {
  readonly file: readonly string[];
  readonly managedBy?: string;
  readonly prune?: true;
  readonly adopt?: true;
  /** False: no value is read or sent. */
  readonly values: boolean;
}

/** A configuration as the API takes it, and where its fields stand in the files. */
export interface PlanBody {
  readonly body: object;
  readonly place: Configuration['place'];
}

/** Reads files and values. @throws CliError with file, line and column */
export function readPlanBody(options: SourceOptions, variables: Variables): PlanBody {
  const { file, prune = false, adopt = false } = options;
  const configuration = readConfiguration(findFiles(file).flatMap(readDocuments));
  const { objects, place } = configuration;
  if (options.managedBy !== undefined && configuration.managedBy !== undefined)
    requireSame(options.managedBy, configuration.managedBy);
  const managedBy = options.managedBy ?? configuration.managedBy;
  if ((prune || adopt) && managedBy === undefined)
    throw new CliError(`${prune ? '--prune' : '--adopt'} has to know which source these files are`, {
      hint: 'say managedBy in the files, or give --managed-by NAME',
    });
  const isStdinTaken = file.includes(stdinPath);
  const values = options.values ? resolveValues(configuration, { variables, isStdinTaken }) : new Map<number, string>();
  const secrets = objects.secrets.map((fields, index) => {
    const value = values.get(index);
    return value === undefined ? fields : { ...fields, value };
  });
  const terms = { prune, adopt, withoutValues: !options.values, ...(managedBy !== undefined && { managedBy }) };
  return { body: { config: { ...objects, secrets }, ...terms }, place };
}

function requireSame(option: string, named: string): void {
  if (option !== named) throw new CliError(`the files say managedBy: ${named}, and --managed-by says ${option}`);
}

/** What apply would do. @throws CliError that lists all that is wrong with the configuration, with its place */
export async function requestPlan(api: ApiClient, { body, place }: PlanBody): Promise<PlanAnswer> {
  const plan = await withPlaces(place, () => api.call('POST', '/api/plan', planAnswer, body));
  if (plan.problems.length === 0) return plan;
  throw new CliError(faultList(plan.problems.map(({ field, message }) => withPlace(place(field), printable(message)))));
}

/** @throws CliError where apply would be refused, with the first reason */
export function requireAllowed({ changes }: PlanAnswer, done: 'applied' | 'stored'): void {
  const refused = changes.find((change) => change.refused !== null)?.refused;
  if (refused) throw new CliError(`nothing was ${done}: ${printable(refused.message)}`);
}

/** Does what a plan says. @throws CliError, which tells where it may have been done all the same */
export async function requestApply(
  api: ApiClient,
  { body, place }: PlanBody,
  { planHash, changes }: Pick<PlanAnswer, 'planHash' | 'changes'>,
): Promise<z.infer<typeof applyAnswer>> {
  try {
    return await withPlaces(place, () => api.call('POST', '/api/apply', applyAnswer, { ...body, planHash }));
  } catch (error) {
    if (isRefusal(error)) throw error;
    throw new CliError(`it may have been applied: ${(error as Error).message}`, {
      cause: error,
      hint: ['run the same again: there is nothing to do if it was', ...rotationHints(changes)].join('\n  '),
    });
  }
}

/** Whether an error says that nothing was done: the gateway's own no, or a connection that was never made. */
function isRefusal(error: unknown): boolean {
  if (error instanceof ApiError) return error.status < 500;
  if (error instanceof UnansweredError) return !error.wasSent;
  return error instanceof CliError && error.cause instanceof ApiError && isRefusal(error.cause);
}

/** How to come by the tokens of new agents, which are told once, when that once was missed. */
export function rotationHints(changes: PlanAnswer['changes']): string[] {
  return changes
    .filter(({ makesToken }) => makesToken)
    .map(
      ({ name }) =>
        `the token of ${printable(name)} may be lost; for a new one: onecli agent rotate ${printable(name)}`,
    );
}

async function withPlaces<T>(place: Configuration['place'], call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ApiError) || error.field === undefined) throw error;
    const found = place(error.field);
    if (found === '') throw error;
    throw new CliError(withPlace(found, error.message), { cause: error });
  }
}

function withPlace(place: string, message: string): string {
  return place === '' ? message : `${place}: ${message}`;
}
