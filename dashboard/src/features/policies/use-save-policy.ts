import { useState } from 'react';
import { stringify } from 'yaml';
import { useLook } from '../../api/use-look.ts';
import { useWrite } from '../../api/use-write.ts';
import { type PolicyRowFragment, PolicyDocument, UpsertPolicyDocument } from '../../gql/graphql.ts';
import { useTask } from '../../ui/use-task.ts';
import { parsePolicy } from './parse-policy.ts';
import { type PolicyDifference, policyDifferences } from './policy-differences.ts';
import { policyDocument } from './policy-document.ts';
import { policyInputOf } from './policy-input.ts';

/** A policy that is edited, as it was when it was opened. */
export interface EditedPolicy {
  readonly name: string;
  readonly revision: number;
  /** YAML. */
  readonly text: string;
}

export function editedPolicy(policy: PolicyRowFragment): EditedPolicy {
  return { name: policy.name, revision: policy.revision, text: stringify(policyDocument(policy)) };
}

/** What somebody else did to a policy since it was opened. Revision 0: it is gone. */
export interface Meanwhile {
  readonly revision: number;
  readonly differences: readonly PolicyDifference[];
}

interface SavePolicy {
  readonly isBusy: boolean;
  readonly problem: string | undefined;
  /** Nothing was written because of this. To save once more writes over it. */
  readonly meanwhile: Meanwhile | undefined;
  readonly save: (text: string) => void;
}

/** Saves a policy that is written as in a file: whole, and only over what whoever writes it has seen. `of` is absent of a new one. */
export function useSavePolicy(of: EditedPolicy | undefined, done: () => void | Promise<void>): SavePolicy {
  const task = useTask();
  const write = useWrite(UpsertPolicyDocument);
  const look = useLook(PolicyDocument, { name: of?.name ?? '' }, ({ policy }) => policy);
  const [meanwhile, setMeanwhile] = useState<Meanwhile>();
  const save = async (text: string): Promise<string | undefined> => {
    const policy = parsePolicy(text);
    if (typeof policy === 'string') return policy;
    if (of !== undefined && policy['name'] !== of.name) return otherName(of.name);
    const ifRevision = meanwhile?.revision ?? of?.revision ?? 0;
    const { problem, code } = await write({ input: policyInputOf(policy), ifRevision });
    if (code !== 'CONFLICT') {
      setMeanwhile(undefined);
      if (problem === undefined) await done();
      return problem;
    }
    if (of === undefined) return nameTaken(String(policy['name']));
    setMeanwhile(whatCame(of, await look()));
    return undefined;
  };
  return { isBusy: task.isBusy, problem: task.problem, meanwhile, save: (text) => task.run(() => save(text)) };
}

function whatCame({ text }: EditedPolicy, now: PolicyRowFragment | null): Meanwhile {
  if (now === null) return { revision: 0, differences: [] };
  const before = parsePolicy(text);
  const differences = typeof before === 'string' ? [] : policyDifferences(before, policyDocument(now));
  return { revision: now.revision, differences };
}

function otherName(name: string): string {
  return `The name has to stay ${name}: under another it would be one more policy, and ${name} would go on as it is. Make a new policy, and delete this one.`;
}

function nameTaken(name: string): string {
  return `There is already a policy ${name}. Choose another name, or change that one.`;
}
