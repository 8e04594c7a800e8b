import { useMutation } from '@apollo/client/react';
import { type SecretQuery, RollBackSecretDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { writeErrorText } from '../../ui/problem.tsx';
import { TimeText } from '../../ui/time-text.tsx';

interface VersionTableProps {
  readonly name: string;
  readonly versions: SecretQuery['secretVersions'];
  readonly done: () => Promise<void>;
}

/** The versions of a secret, the newest first. */
export function VersionTable({ name, versions, done }: VersionTableProps) {
  return (
    <table className="rows">
      <thead>
        <tr>
          <th scope="col">Version</th>
          <th scope="col">State</th>
          <th scope="col">Made</th>
          <th scope="col">Last used</th>
          <th scope="col">Fingerprint</th>
          <th scope="col">
            <span className="dim">What to do</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {versions.map(({ version, state, createdAt, lastUsedAt, fingerprint }) => (
          <tr key={version}>
            <td>{version}</td>
            <td>{state === 'CURRENT' ? <span className="tag allow">Current</span> : state.toLowerCase()}</td>
            <td>
              <TimeText at={createdAt} />
            </td>
            <td>{lastUsedAt === null ? <span className="dim">never</span> : <TimeText at={lastUsedAt} />}</td>
            <td className="mono">{fingerprint}</td>
            <td>{state === 'AVAILABLE' && <RollBack name={name} version={version} done={done} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function RollBack({ name, version, done }: Omit<VersionTableProps, 'versions'> & { readonly version: number }) {
  const [rollBack] = useMutation(RollBackSecretDocument, { fetchPolicy: 'no-cache' });
  const act = async () => {
    const { data } = await rollBack({ variables: { name, version } });
    const errors = data?.rollBackSecret.errors ?? [];
    if (errors.length > 0) return writeErrorText(errors);
    await done();
    return undefined;
  };
  return (
    <Confirm label="Roll back" title={`Roll ${name} back to version ${version}?`} act={act}>
      From the next request on, agents use version {version}.
    </Confirm>
  );
}
