import { useAct } from '../../api/use-act.ts';
import { type SessionRowFragment, RevokeSessionDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { clientName } from './client-name.ts';

interface SessionTableProps {
  readonly caption: string;
  readonly sessions: readonly SessionRowFragment[];
  readonly done: () => Promise<void>;
}

/** Logins that are not over. */
export function SessionTable({ caption, sessions, done }: SessionTableProps) {
  const act = useAct(RevokeSessionDocument, done);
  if (sessions.length === 0) return <p className="nothing">No session.</p>;
  return (
    <table className="rows">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col">With</th>
          <th scope="col" className="wide-only">
            Since
          </th>
          <th scope="col">Last seen</th>
          <th scope="col">
            <span className="dim">What to do</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {sessions.map(({ id, address, client, createdAt, seenAt }) => (
          <tr key={id}>
            <td className="mono">{address}</td>
            <td className="client" title={client}>
              {clientName(client)}
            </td>
            <td className="wide-only">
              <TimeText at={createdAt} />
            </td>
            <td>
              <TimeText at={seenAt} />
            </td>
            <td>
              <Confirm label="End" title={`End the session from ${address}?`} act={act({ id })}>
                It is signed out at its next call. If it is this one, this page asks for the password again.
              </Confirm>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
