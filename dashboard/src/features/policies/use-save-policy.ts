import { useState } from 'react';
import { stringify } from 'yaml';
import { useLook } from '../../api/use-look.ts';
import { useWrite } from '../../api/use-write.ts';
import { type PolicyRowFragment, PolicyDocument, UpsertPolicyDocument } from '../../gql/graphql.ts';
import { useTask } from '../../ui/use-task.ts';
import { parsePolicy } from './parse-policy.ts';
import { type PolicyDifference, policyDifferences } from './policy-differences.ts';
import { policyDocument } from './policy-document.ts';
import { savePolicy } from './save-policy.ts';

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
  /** How it is now, as YAML; undefined: it is gone. */
  readonly text: string | undefined;
  readonly differences: readonly PolicyDifference[];
}

/** Is told the name that the policy was saved under. */
export type Done = (name: string) => void | Promise<void>;

interface SavePolicy {
  readonly isBusy: boolean;
  readonly problem: string | undefined;
  /** Nothing was written because of this. To save once more writes over it. */
  readonly meanwhile: Meanwhile | undefined;
  readonly save: (text: string) => void;
}

/** Saves a policy that is written as in a file: whole, and only over what whoever writes it has seen. `of` is absent of a new one. */
export function useSavePolicy(of: EditedPolicy | undefined, done: Done): SavePolicy {
  const task = useTask();
  const write = useWrite(UpsertPolicyDocument);
  const look = useLook(PolicyDocument, { name: of?.name ?? '' }, ({ policy }) => policy);
  const [meanwhile, setMeanwhile] = useState<Meanwhile>();
  const save = async (text: string): Promise<string | undefined> => {
    const saved = await savePolicy(text, of?.name, meanwhile?.revision ?? of?.revision ?? 0, write);
    if (saved.kind === 'conflict' && of !== undefined) setMeanwhile(whatCame(of, await look()));
    if (saved.kind === 'saved') {
      setMeanwhile(undefined);
      await done(saved.name);
    }
    return saved.kind === 'refused' ? saved.problem : undefined;
  };
  return { isBusy: task.isBusy, problem: task.problem, meanwhile, save: (text) => task.run(() => save(text)) };
}

function whatCame({ text }: EditedPolicy, now: PolicyRowFragment | null): Meanwhile {
  if (now === null) return { revision: 0, text: undefined, differences: [] };
  const before = parsePolicy(text);
  const differences = typeof before === 'string' ? [] : policyDifferences(before, policyDocument(now));
  return { ...editedPolicy(now), differences };
}
