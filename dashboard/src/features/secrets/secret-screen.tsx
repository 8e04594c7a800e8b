import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { useQuery } from '@apollo/client/react';
import { Anchor, Button } from '@mantine/core';
import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { type SecretQuery, DeleteSecretDocument, SecretDocument, UpsertSecretDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { DetailFrame } from '../../ui/detail-frame.tsx';
import { Alias } from './alias.tsx';
import { Dependents } from './dependents.tsx';
import { NewVersion } from './new-version.tsx';
import { SecretFacts } from './secret-facts.tsx';
import { SecretState } from './secret-list-screen.tsx';
import { SecretSettings } from './secret-settings.tsx';
import { VersionTable } from './version-table.tsx';

/** One secret: where it is used, by whom, and its versions. */
export function SecretScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(SecretDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  // Of a secret that is not there, its versions and dependents are refused.
  const isGone =
    CombinedGraphQLErrors.is(error) && error.errors.some(({ extensions }) => extensions?.['code'] === 'NOT_FOUND');
  const found = isGone || data?.secret === null ? null : data;
  // What fails of it is shown by the frame.
  const reread = async () => void (await refetch().catch(() => undefined));
  return (
    <DetailFrame noun="secret" name={name} error={isGone ? undefined : error} found={found}>
      {({ secret, ...of }) => secret !== null && <SecretDetail secret={secret} of={of} reread={reread} />}
    </DetailFrame>
  );
}

type Secret = NonNullable<SecretQuery['secret']>;

interface SecretDetailProps {
  readonly secret: Secret;
  readonly of: Omit<SecretQuery, 'secret'>;
  readonly reread: () => Promise<void>;
}

function SecretDetail({ secret, of, reread }: SecretDetailProps) {
  const { name } = secret;
  const [isEditing, setEditing] = useState(false);
  return (
    <div className="stack">
      <div className="head">
        <h1>{name}</h1>
        <SecretState secret={secret} />
        <NewVersion name={name} done={reread} />
        <Disable secret={secret} done={reread} />
        <Delete name={name} dependents={of.secretDependents} />
      </div>
      {isEditing ? (
        <SecretSettings secret={secret} reread={reread} close={() => setEditing(false)} />
      ) : (
        <div className="columns">
          <section className="panel">
            <div className="panel-head">
              <h2>Secret</h2>
              <Button variant="default" size="compact-xs" onClick={() => setEditing(true)}>
                Edit
              </Button>
            </div>
            <SecretFacts secret={secret} />
          </section>
          <div className="stack">
            <Dependents dependents={of.secretDependents} />
            <Alias secret={secret} done={reread} />
          </div>
        </div>
      )}
      <section className="panel table">
        <VersionTable name={name} versions={of.secretVersions} done={reread} />
      </section>
      <p className="lead">
        <Anchor component={Link} to={`/rotations/${encodeURIComponent(name)}`} inherit>
          How it is rotated
        </Anchor>
      </p>
    </div>
  );
}

interface DisableProps {
  readonly secret: Secret;
  readonly done: () => Promise<void>;
}

function Disable({ secret: { name, isDisabled: wasDisabled }, done }: DisableProps) {
  const write = useAct(UpsertSecretDocument, done);
  const isDisabled = !wasDisabled;
  return (
    <Confirm
      label={isDisabled ? 'Disable' : 'Enable'}
      title={`${isDisabled ? 'Disable' : 'Enable'} ${name}?`}
      act={write({ input: { name, isDisabled } })}
      refused={useRefusal('secret:update')}
    >
      {isDisabled
        ? 'From the next request on it is used nowhere: requests that hold its placeholder are refused. It can be enabled again.'
        : 'From the next request on it is used again.'}
    </Confirm>
  );
}

function Delete({ name, dependents }: { readonly name: string; readonly dependents: SecretQuery['secretDependents'] }) {
  const navigate = useNavigate();
  const remove = useAct(DeleteSecretDocument, () => navigate('/secrets'));
  const agents = dependents.agentCount + dependents.hiddenAgentCount;
  const policies = dependents.policies.length + dependents.hiddenPolicyCount;
  const routes = dependents.routes.length + dependents.hiddenRouteCount;
  return (
    <Confirm
      label="Delete"
      title={`Delete ${name}?`}
      act={remove({ name })}
      isDangerous
      refused={useRefusal('secret:delete')}
    >
      All its versions are gone for good. {agents} agents can use it now, by {policies} policies and {routes} routes;
      their requests with its placeholder are refused from then on.
    </Confirm>
  );
}
