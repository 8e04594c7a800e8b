import { useQuery } from '@apollo/client/react';
import { Progress } from '@mantine/core';
import { Loading } from '../../ui/loading.tsx';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { type KeysQuery, KeysDocument, RotateKeysDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { Facts } from '../../ui/facts.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { TimeText } from '../../ui/time-text.tsx';

type Keys = KeysQuery['keys'];
type Term = Keys['terms'][number];
type Holder = Keys['holders'][number];

const followEveryMs = 2000;

const termStates = {
  ANNOUNCED: ['warn', 'Announced: processes learn it'],
  SEALING: ['allow', 'Sealing: new values are sealed with it'],
  OPENING: ['', 'Opening: values are moved away from it'],
  AUDIT_ONLY: ['', 'Audit only: old events need it'],
} as const;

const terms: readonly Column<Term>[] = [
  { head: 'Term', cell: ({ term }) => term },
  {
    head: 'State',
    cell: ({ state, retiredAt }) =>
      retiredAt === null ? (
        <span className={`tag ${termStates[state][0]}`}>{termStates[state][1]}</span>
      ) : (
        <span className="dim">retired</span>
      ),
  },
  { head: 'Made', cell: ({ createdAt }) => <TimeText at={createdAt} /> },
  {
    head: 'Sealing since',
    cell: ({ activatedAt }) => (activatedAt === null ? <span className="dim">–</span> : <TimeText at={activatedAt} />),
  },
];

const holders: readonly Column<Holder>[] = [
  { head: 'Process', cell: ({ name }) => name, kind: 'mono' },
  { head: 'Kind', cell: ({ kind }) => kind },
  { head: 'Opens terms', cell: (holder) => holder.terms?.join(', ') ?? <span className="dim">does not tell</span> },
  {
    head: 'Master key',
    cell: ({ isMasterKeyCurrent }) =>
      isMasterKeyCurrent === false ? <span className="tag deny">replaced: restart it</span> : 'current',
  },
];

/** The keys that values are sealed under, and how far a rotation of them is. */
export function KeysScreen() {
  const { data, error, refetch } = useQuery(KeysDocument, {
    fetchPolicy: 'no-cache',
    pollInterval: followEveryMs,
    skipPollAttempt: () => document.hidden,
  });
  const rotate = useAct(RotateKeysDocument, async () => void (await refetch()));
  return (
    <div className="stack">
      <div className="head">
        <h1>Keys</h1>
        <Confirm
          label="Rotate the keys"
          title="Rotate the key terms?"
          act={rotate({})}
          refused={useRefusal('keys:rotate')}
        >
          Every sealed value is moved to a new key, while everything runs. Nothing is interrupted, and agents notice
          nothing. Do it once a year, or when somebody may have copied the database and a key.
        </Confirm>
      </div>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && <KeysDetail keys={data.keys} />}
    </div>
  );
}

function KeysDetail({ keys }: { readonly keys: Keys }) {
  return (
    <>
      <section className="panel stack">
        <RotationState keys={keys} />
        <Facts
          facts={[
            ['Sealing term', keys.sealingTerm],
            ['Sealed values', `${keys.current} of ${keys.total} are under it`],
          ]}
        />
      </section>
      <section className="panel table">
        <DataTable caption="Key terms" columns={terms} rows={keys.terms} rowKey={({ term }) => term} />
      </section>
      <section className="panel table">
        <DataTable caption="Who opens them" columns={holders} rows={keys.holders} rowKey={({ name }) => name} />
      </section>
    </>
  );
}

function adviceOn({ secret, version, isCurrent }: Keys['damaged'][number]): string {
  const destroy = `destroy version ${version} of ${secret}`;
  return isCurrent
    ? `Give ${secret} a new value, then ${destroy}.`
    : `${destroy[0]?.toUpperCase()}${destroy.slice(1)}.`;
}

function RotationState({ keys }: { readonly keys: Keys }) {
  const { rotation, waitingFor, unopenable, damaged, current, total } = keys;
  if (rotation === 'IDLE')
    return (
      <p className="note good" role="status">
        Every value is sealed under the current term; no rotation is under way.
      </p>
    );
  const share = total === 0 ? 100 : Math.floor((100 * current) / total);
  return (
    <div className="stack" role="status">
      {rotation === 'WAITING' && (
        <p className="note warn">
          A rotation waits until every live process knows the new term. Still without it:{' '}
          <span className="mono">{waitingFor.join(', ') || 'none'}</span>. A process of an earlier release, or with a
          replaced master key, has to be restarted.
        </p>
      )}
      {rotation === 'MOVING' && <p className="note">Values are being moved to the new term: {share} %.</p>}
      {rotation === 'BLOCKED' && (
        <p className="note warn">
          What is left does not open, because somebody altered it: <span className="mono">{unopenable.join('; ')}</span>
          . {damaged.map(adviceOn).join(' ')} What is no secret: write it anew, or delete it. The rotation then ends by
          itself.
        </p>
      )}
      <Progress value={share} aria-label="Values under the new term" />
    </div>
  );
}
