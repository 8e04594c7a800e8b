import { useMutation, useQuery } from '@apollo/client/react';
import { Loader } from '@mantine/core';
import { useNavigate, useParams } from 'react-router';
import { stringify } from 'yaml';
import { DeletePolicyDocument, PolicyDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Problem, problemText, writeErrorText } from '../../ui/problem.tsx';
import { policyDocument } from './policy-document.ts';
import { PolicyEditor } from './policy-editor.tsx';

/** One policy, as text that can be changed. */
export function PolicyScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(PolicyDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  if (error !== undefined) return <Problem>{problemText(error)}</Problem>;
  if (data === undefined) return <Loader size="sm" aria-label="Loading" />;
  if (data.policy === null)
    return (
      <EmptyState isScreen title={`There is no policy ${name}`}>
        It may have been deleted.
      </EmptyState>
    );
  const { policy } = data;
  return (
    <div className="narrow stack">
      <div className="head">
        <h1>{name}</h1>
        {policy.mode === 'MONITOR' && <span className="tag warn">Monitor</span>}
        <Delete name={name} />
      </div>
      <section className="panel">
        <PolicyEditor
          key={policy.revision}
          text={stringify(policyDocument(policy))}
          done={async () => void (await refetch())}
        />
      </section>
    </div>
  );
}

function Delete({ name }: { readonly name: string }) {
  const [remove] = useMutation(DeletePolicyDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  const navigate = useNavigate();
  const act = async () => {
    const { data } = await remove();
    const errors = data?.deletePolicy.errors ?? [];
    if (errors.length > 0) return writeErrorText(errors);
    await navigate('/policies');
    return undefined;
  };
  return (
    <Confirm label="Delete" title={`Delete ${name}?`} act={act} isDangerous>
      What it alone allows is denied from the next request on; what it alone denies may be allowed by another.
    </Confirm>
  );
}
