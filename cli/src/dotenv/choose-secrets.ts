import type { Surface } from '@onecli/shared/domain/binding';
import { findPlaceholders, placeholderFor } from '@onecli/shared/domain/placeholder';
import { usageError } from '../cli-error.ts';
import { knownVariables } from '../known-variables.ts';
import type { Assignment } from './dotenv-file.ts';

/** What a variable of a .env file becomes. */
export interface ChosenSecret {
  readonly variable: string;
  /** The secret's name. */
  readonly name: string;
  readonly value: string;
  /** None: it is bound nowhere yet, and never used. */
  readonly hosts: readonly string[];
  /** Somebody said these hosts of this very variable: they hold for a secret that exists, too. */
  readonly areHostsNamed: boolean;
  readonly surfaces: readonly Surface[] | undefined;
}

/** A variable that is left alone, and why. */
export interface LeftVariable {
  readonly variable: string;
  readonly reason: string;
}

export interface ChooseOptions {
  readonly environment: string;
  /** Variable → hosts. A variable that is named is a secret, whatever it is called. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  readonly skip: readonly string[];
}

const looksSecret = /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PAT|CREDENTIALS?)$/i;
const looksPublic = /PUBLI(?:C|SHABLE)/i;

/**
 * Which variables are secrets, what they are called and where they are bound: those that are well known, those that are named,
 * and those that are called like one. Two with one value are one secret, two with two values never are.
 */
export function chooseSecrets(
  assignments: readonly Assignment[],
  options: ChooseOptions,
): { chosen: ChosenSecret[]; left: LeftVariable[] } {
  const chosen: ChosenSecret[] = [];
  const left: LeftVariable[] = [];
  const valueOfName = namesOfPlaceholders(assignments);
  for (const { variable, value } of assignments) {
    const reason = reasonToLeave(variable, value, options);
    if (reason !== undefined) {
      left.push({ variable, reason });
      continue;
    }
    const known = knownVariables.get(variable);
    const named = options.hosts.get(variable);
    const name = freeName(options.environment, variable, value, valueOfName);
    valueOfName.set(name, value);
    const hosts = named ?? known?.hosts ?? [];
    const areHostsNamed = named !== undefined && named.length > 0;
    chosen.push({ variable, name, value, hosts, areHostsNamed, surfaces: known?.surfaces });
  }
  for (const variable of options.hosts.keys())
    if (!assignments.some((one) => one.variable === variable))
      throw usageError(`${variable} was named, and no line of the file sets it plainly`, `write it as ${variable}='…'`);
  return { chosen, left };
}

/** Whether a variable is a secret by its name: one that is well known, or `…_KEY`, `…_TOKEN` and the like. */
export function isCalledLikeSecret(variable: string): boolean {
  return knownVariables.has(variable) || (looksSecret.test(variable) && !looksPublic.test(variable));
}

function reasonToLeave(variable: string, value: string, { hosts, skip }: ChooseOptions): string | undefined {
  if (skip.includes(variable)) return 'skipped';
  if (value === '') return 'empty';
  if (findPlaceholders(value).length > 0) return 'a placeholder already';
  if (/^ONECLI_/i.test(variable)) return 'a setting of OneCLI itself';
  if (/[\r\n]/.test(value)) return 'of several lines, which no header can have';
  if (hosts.has(variable) || isCalledLikeSecret(variable)) return undefined;
  return 'not called like a secret: name it with --host if it is one';
}

/** The secrets that the file has placeholders of: their values stand elsewhere, and no other may take their place. */
function namesOfPlaceholders(assignments: readonly Assignment[]): Map<string, string> {
  const placeholders = assignments.flatMap(({ value }) => findPlaceholders(value));
  return new Map(placeholders.flatMap(({ name }) => (name === undefined ? [] : [[name, placeholderFor(name)]])));
}

/** `prod/openai` for OPENAI_API_KEY; the whole variable where another value has that name, with a number where that is taken, too. */
function freeName(
  environment: string,
  variable: string,
  value: string,
  valueOfName: ReadonlyMap<string, string>,
): string {
  const service = knownVariables.get(variable)?.service ?? serviceOf(variable);
  const whole = nameOf(variable);
  const isFree = (name: string) => (valueOfName.get(`${environment}/${name}`) ?? value) === value;
  let name = isFree(service) ? service : whole;
  for (let n = 2; !isFree(name); n++) name = `${whole}-${n}`;
  return `${environment}/${name}`;
}

function serviceOf(variable: string): string {
  return nameOf(variable.replace(/_(?:API_KEY|API_TOKEN|ACCESS_TOKEN|TOKEN|KEY)$/i, '') || variable);
}

function nameOf(variable: string): string {
  const name = variable
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '');
  return name === '' ? 'secret' : name.slice(0, 100);
}
