import type { PolicyInput } from '../../gql/graphql.ts';
import { parsePolicy } from './parse-policy.ts';
import { policyInputOf } from './policy-input.ts';

interface Write {
  readonly input: PolicyInput;
  readonly ifRevision: number;
}

interface Answer {
  readonly problem: string | undefined;
  readonly code: string | undefined;
}

export type Saved =
  | { readonly kind: 'saved'; readonly name: string }
  | { readonly kind: 'refused'; readonly problem: string }
  /** Somebody else wrote it since `ifRevision`. Nothing was written. */
  | { readonly kind: 'conflict' };

/** Writes what a text says. `edited` is the name of the policy that it is of; undefined: it is a new one, of the name that the text has. */
export async function savePolicy(
  text: string,
  edited: string | undefined,
  ifRevision: number,
  write: (given: Write) => Promise<Answer>,
): Promise<Saved> {
  const policy = parsePolicy(text);
  if (typeof policy === 'string') return { kind: 'refused', problem: policy };
  const name = String(policy['name']);
  if (edited !== undefined && policy['name'] !== edited) return { kind: 'refused', problem: otherName(edited) };
  const { problem, code } = await write({ input: policyInputOf(policy), ifRevision });
  if (code === 'CONFLICT')
    return edited === undefined ? { kind: 'refused', problem: nameTaken(name) } : { kind: 'conflict' };
  return problem === undefined ? { kind: 'saved', name } : { kind: 'refused', problem };
}

function otherName(name: string): string {
  return `The name has to stay ${name}: under another it would be one more policy, and ${name} would go on as it is. Make a new policy, and delete this one.`;
}

function nameTaken(name: string): string {
  return `There is already a policy ${name}. Choose another name, or change that one.`;
}
