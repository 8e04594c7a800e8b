import type { PolicyRowFragment } from '../../gql/graphql.ts';
import { PolicyEditor } from './policy-editor.tsx';
import { editedPolicy } from './use-save-policy.ts';

interface SavedPolicyEditorProps {
  readonly policy: PolicyRowFragment;
  readonly done: () => Promise<void>;
}

/** The editor of a policy that there is. */
export function SavedPolicyEditor({ policy, done }: SavedPolicyEditorProps) {
  const edited = editedPolicy(policy);
  return <PolicyEditor text={edited.text} of={edited} done={done} />;
}
