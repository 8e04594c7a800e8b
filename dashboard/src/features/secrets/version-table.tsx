import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type SecretQuery, RollBackSecretDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { type Column, DataTable } from '../../ui/data-table.tsx';
import { TimeText } from '../../ui/time-text.tsx';

interface VersionTableProps {
  readonly name: string;
  readonly versions: SecretQuery['secretVersions'];
  readonly done: () => Promise<void>;
}

/** The versions of a secret, the newest first. */
export function VersionTable({ name, versions, done }: VersionTableProps) {
  const columns: readonly Column<VersionTableProps['versions'][number]>[] = [
    { head: 'Version', cell: ({ version }) => version },
    {
      head: 'State',
      cell: ({ state }) => (state === 'CURRENT' ? <span className="tag allow">Current</span> : state.toLowerCase()),
    },
    { head: 'Made', cell: ({ createdAt }) => <TimeText at={createdAt} /> },
    {
      head: 'Last used',
      cell: ({ lastUsedAt }) =>
        lastUsedAt === null ? <span className="dim">never</span> : <TimeText at={lastUsedAt} />,
    },
    { head: 'Fingerprint', cell: ({ fingerprint }) => fingerprint, kind: 'mono' },
    {
      head: <span className="dim">What to do</span>,
      cell: ({ version, state }) => state === 'AVAILABLE' && <RollBack name={name} version={version} done={done} />,
    },
  ];
  return <DataTable columns={columns} rows={versions} rowKey={({ version }) => version} />;
}

function RollBack({ name, version, done }: Omit<VersionTableProps, 'versions'> & { readonly version: number }) {
  const rollBack = useWrite(RollBackSecretDocument);
  const act = async () => {
    const { problem } = await rollBack({ name, version });
    if (problem === undefined) await done();
    return problem;
  };
  return (
    <Confirm
      label="Roll back"
      title={`Roll ${name} back to version ${version}?`}
      act={act}
      refused={useRefusal('secret:rotate')}
    >
      From the next request on, agents use version {version}.
    </Confirm>
  );
}
