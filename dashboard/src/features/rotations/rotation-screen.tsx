import { useQuery } from '@apollo/client/react';
import { Anchor, Button } from '@mantine/core';
import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { Loading } from '../../ui/loading.tsx';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import {
  type RotationQuery,
  CancelRotationDocument,
  DeleteRotationDocument,
  RotationDocument,
  RunRotationDocument,
} from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Facts } from '../../ui/facts.tsx';
import { late } from '../../ui/late.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { RunTable } from './run-table.tsx';

const RecipeEditor = late(async () => (await import('./recipe-editor.tsx')).RecipeEditor);

const followEveryMs = 2000;

/** How one secret is rotated: its runs, its schedule and its recipe. */
export function RotationScreen() {
  const { secret = '' } = useParams();
  const { data, error, refetch } = useQuery(RotationDocument, {
    variables: { secret },
    fetchPolicy: 'no-cache',
    pollInterval: followEveryMs,
    // A page that nobody looks at does not keep its session alive.
    skipPollAttempt: () => document.hidden,
  });
  // A reading that failed while it is followed does not take away what is typed.
  return (
    <div className="stack">
      {data === undefined && <h1>Rotation of {secret}</h1>}
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && <RotationDetail secret={secret} of={data} reread={async () => void (await refetch())} />}
    </div>
  );
}

interface RotationDetailProps {
  readonly secret: string;
  readonly of: RotationQuery;
  readonly reread: () => Promise<void>;
}

function RotationDetail({ secret, of: { rotation, rotationRuns }, reread }: RotationDetailProps) {
  const [isEditing, setEditing] = useState(false);
  const isRunning = rotationRuns[0]?.outcome === null;
  const saved = async () => {
    setEditing(false);
    await reread();
  };
  return (
    <>
      <div className="head">
        <h1>Rotation of {secret}</h1>
        {rotation !== null && <Acts secret={secret} isRunning={isRunning} reread={reread} />}
      </div>
      {rotation === null ? (
        <RecipeEditor secret={secret} rotation={null} done={reread} />
      ) : (
        <section className="panel">
          <Facts
            facts={[
              ['Secret', <SecretLink key="secret" name={secret} />],
              ['Schedule', <code key="schedule">{rotation.schedule ?? 'only when asked'}</code>],
              ['Time zone', rotation.zone],
              ['Next run', rotation.nextRunAt === null ? 'none' : <TimeText key="next" at={rotation.nextRunAt} />],
              ['State', rotation.isEnabled ? 'enabled' : 'disabled'],
            ]}
          />
        </section>
      )}
      <section className="panel table">
        <RunTable runs={rotationRuns} />
      </section>
      {rotation !== null && !isEditing && (
        <div className="actions">
          <Button variant="default" size="xs" onClick={() => setEditing(true)}>
            Change schedule and recipe
          </Button>
        </div>
      )}
      {rotation !== null && isEditing && <RecipeEditor secret={secret} rotation={rotation} done={saved} />}
    </>
  );
}

function SecretLink({ name }: { readonly name: string }) {
  return (
    <Anchor component={Link} to={`/secrets/${encodeURIComponent(name)}`} inherit>
      {name}
    </Anchor>
  );
}

interface ActsProps {
  readonly secret: string;
  readonly isRunning: boolean;
  readonly reread: () => Promise<void>;
}

function Acts({ secret, isRunning, reread }: ActsProps) {
  const navigate = useNavigate();
  const run = useAct(RunRotationDocument, reread);
  const cancel = useAct(CancelRotationDocument, reread);
  const remove = useAct(DeleteRotationDocument, () => navigate('/rotations'));
  const cannotRun = useRefusal('rotation:run');
  return (
    <>
      {isRunning ? (
        <Confirm
          label="Cancel the run"
          title={`Cancel the run of ${secret}?`}
          act={cancel({ secret })}
          refused={cannotRun}
        >
          Until the new version has proven itself the old one stays, or comes back, and the new key is ended at the
          provider. In the grace time the new version stays, and the old key is not ended.
        </Confirm>
      ) : (
        <Confirm label="Rotate now" title={`Rotate ${secret} now?`} act={run({ secret })} refused={cannotRun}>
          The provider is asked for a new key. When it works, agents use it from the next request on, and the old key is
          ended after the grace time.
        </Confirm>
      )}
      <Confirm
        label="Delete"
        title={`Rotate ${secret} no more?`}
        act={remove({ secret })}
        isDangerous
        refused={useRefusal('rotation:delete')}
      >
        Schedule and recipe are gone; the secret stays with the version that it has.
      </Confirm>
    </>
  );
}
