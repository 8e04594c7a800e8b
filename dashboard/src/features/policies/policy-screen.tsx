import { useQuery } from '@apollo/client/react';
import { useNavigate, useParams } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { DeletePolicyDocument, PolicyDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { DetailFrame } from '../../ui/detail-frame.tsx';
import { late } from '../../ui/late.tsx';

const SavedPolicyEditor = late(async () => (await import('./saved-policy-editor.tsx')).SavedPolicyEditor);

/** One policy, as text that can be changed. */
export function PolicyScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(PolicyDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  return (
    <DetailFrame noun="policy" name={name} error={error} found={data?.policy}>
      {(policy) => (
        <div className="stack">
          <div className="head">
            <h1>{name}</h1>
            {policy.mode === 'MONITOR' && <span className="tag warn">Monitor</span>}
            <Delete name={name} />
          </div>
          <section className="panel">
            <SavedPolicyEditor key={policy.revision} policy={policy} done={async () => void (await refetch())} />
          </section>
        </div>
      )}
    </DetailFrame>
  );
}

function Delete({ name }: { readonly name: string }) {
  const remove = useWrite(DeletePolicyDocument);
  const navigate = useNavigate();
  const act = async () => {
    const { problem } = await remove({ name });
    if (problem === undefined) await navigate('/policies');
    return problem;
  };
  return (
    <Confirm label="Delete" title={`Delete ${name}?`} act={act} isDangerous refused={useRefusal('policy:delete')}>
      What it alone allows is denied from the next request on; what it alone denies may be allowed by another.
    </Confirm>
  );
}
