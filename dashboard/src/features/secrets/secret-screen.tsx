import { useQuery } from '@apollo/client/react';
import { useNavigate, useParams } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type SecretQuery, DeleteSecretDocument, SecretDocument, UpsertSecretDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { DetailFrame } from '../../ui/detail-frame.tsx';
import { Facts } from '../../ui/facts.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { NewVersion } from './new-version.tsx';
import { SecretState } from './secret-list-screen.tsx';
import { VersionTable } from './version-table.tsx';

/** One secret: where it is used, by whom, and its versions. */
export function SecretScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(SecretDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  const found = data?.secret === null ? null : data;
  return (
    <DetailFrame noun="secret" name={name} error={error} found={found}>
      {({ secret, ...of }) =>
        secret !== null && <SecretDetail secret={secret} of={of} reread={async () => void (await refetch())} />
      }
    </DetailFrame>
  );
}

interface SecretDetailProps {
  readonly secret: NonNullable<SecretQuery['secret']>;
  readonly of: Omit<SecretQuery, 'secret'>;
  readonly reread: () => Promise<void>;
}

function SecretDetail({ secret, of, reread }: SecretDetailProps) {
  const { name, binding } = secret;
  return (
    <div className="stack">
      <div className="head">
        <h1>{name}</h1>
        <SecretState secret={secret} />
        <NewVersion name={name} done={reread} />
        <Disable secret={secret} done={reread} />
        <Delete name={name} dependents={of.secretDependents} />
      </div>
      <div className="columns">
        <section className="panel">
          <h2>Secret</h2>
          <Facts
            facts={[
              ['Placeholder', <code key="placeholder">onecli://{name}</code>],
              ['Alias', secret.alias === null ? 'none' : <code key="alias">{secret.alias}</code>],
              ['Hosts', binding?.hosts.join(', ') ?? 'bound nowhere: it is never used'],
              ['Surfaces', binding?.surfaces.join(', ').toLowerCase() ?? 'none'],
              ['Description', secret.description === '' ? 'none' : secret.description],
              ['Expires', secret.expiresAt === null ? 'never' : <TimeText key="expires" at={secret.expiresAt} />],
              ['Managed by', secret.managedBy ?? 'hand'],
            ]}
          />
        </section>
        <Dependents dependents={of.secretDependents} />
      </div>
      <section className="panel table">
        <VersionTable name={name} versions={of.secretVersions} done={reread} />
      </section>
    </div>
  );
}

function Dependents({ dependents }: { readonly dependents: SecretQuery['secretDependents'] }) {
  const { agents, policies, routes, lastUsedAt } = dependents;
  const list = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '));
  return (
    <section className="panel">
      <h2>Who depends on it</h2>
      <Facts
        facts={[
          ['Agents', list(agents)],
          ['Policies', list(policies)],
          ['Routes', list(routes)],
          ['Last used', lastUsedAt === null ? 'never' : <TimeText key="used" at={lastUsedAt} />],
        ]}
      />
    </section>
  );
}

function Disable({
  secret,
  done,
}: {
  readonly secret: SecretDetailProps['secret'];
  readonly done: () => Promise<void>;
}) {
  const write = useWrite(UpsertSecretDocument);
  const isDisabled = !secret.isDisabled;
  const act = async () => {
    const { problem } = await write({ input: { name: secret.name, isDisabled } });
    if (problem === undefined) await done();
    return problem;
  };
  return (
    <Confirm
      label={isDisabled ? 'Disable' : 'Enable'}
      title={`${isDisabled ? 'Disable' : 'Enable'} ${secret.name}?`}
      act={act}
      refused={useRefusal('secret:update')}
    >
      {isDisabled
        ? 'From the next request on it is used nowhere: requests that hold its placeholder are refused. It can be enabled again.'
        : 'From the next request on it is used again.'}
    </Confirm>
  );
}

function Delete({ name, dependents }: { readonly name: string; readonly dependents: SecretQuery['secretDependents'] }) {
  const remove = useWrite(DeleteSecretDocument);
  const navigate = useNavigate();
  const act = async () => {
    const { problem } = await remove({ name });
    if (problem === undefined) await navigate('/secrets');
    return problem;
  };
  const { agentCount, policies, routes } = dependents;
  return (
    <Confirm label="Delete" title={`Delete ${name}?`} act={act} isDangerous refused={useRefusal('secret:delete')}>
      All its versions are gone for good. {agentCount} agents can use it now, by {policies.length} policies and{' '}
      {routes.length} routes; their requests with its placeholder are refused from then on.
    </Confirm>
  );
}
