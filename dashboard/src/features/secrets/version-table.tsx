import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { type SecretQuery, DestroySecretVersionDocument, RollBackSecretDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { TimeText } from '../../ui/time-text.tsx';

interface VersionTableProps {
  readonly name: string;
  readonly versions: SecretQuery['secretVersions'];
  readonly done: () => Promise<void>;
}

type Version = VersionTableProps['versions'][number];

const columns: readonly Column<Version>[] = [
  { head: 'Version', cell: ({ version }) => version },
  {
    head: 'State',
    cell: ({ state }) => (state === 'CURRENT' ? <span className="tag allow">Current</span> : state.toLowerCase()),
  },
  { head: 'Made', cell: ({ createdAt }) => <TimeText at={createdAt} /> },
  {
    head: 'Last used',
    cell: ({ lastUsedAt }) => (lastUsedAt === null ? <span className="dim">never</span> : <TimeText at={lastUsedAt} />),
  },
  { head: 'Fingerprint', cell: ({ fingerprint }) => fingerprint, kind: 'mono' },
];

/** The versions of a secret, the newest first. */
export function VersionTable({ name, versions, done }: VersionTableProps) {
  const acts: Column<Version> = {
    head: <span className="dim">What to do</span>,
    cell: ({ version, state }) =>
      state === 'AVAILABLE' && (
        <div className="actions">
          <RollBack name={name} version={version} done={done} />
          <Destroy name={name} version={version} done={done} />
        </div>
      ),
  };
  return (
    <DataTable caption="Versions" columns={[...columns, acts]} rows={versions} rowKey={({ version }) => version} />
  );
}

interface ActProps {
  readonly name: string;
  readonly version: number;
  readonly done: () => Promise<void>;
}

function RollBack({ name, version, done }: ActProps) {
  const act = useAct(RollBackSecretDocument, done);
  return (
    <Confirm
      label="Roll back"
      title={`Roll ${name} back to version ${version}?`}
      act={act({ name, version })}
      refused={useRefusal('secret:rotate')}
    >
      From the next request on, agents use version {version}.
    </Confirm>
  );
}

function Destroy({ name, version, done }: ActProps) {
  const act = useAct(DestroySecretVersionDocument, done);
  return (
    <Confirm
      label="Destroy"
      title={`Destroy version ${version} of ${name}?`}
      act={act({ name, version })}
      isDangerous
      refused={useRefusal('secret:delete')}
    >
      Its ciphertext and its key are gone for good: nobody can roll back to it, and agents that pinned{' '}
      <code>
        onecli://{name}@{version}
      </code>{' '}
      are refused.
    </Confirm>
  );
}
