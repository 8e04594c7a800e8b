import { useQuery } from '@apollo/client/react';
import { Link } from 'react-router';
import { ExpiringSecretsDocument } from '../../gql/graphql.ts';
import { DataTable } from '../../ui/data-table.tsx';
import { AgoText } from '../../ui/ago-text.tsx';

/** The secrets that are over soon, or already. */
export function Expiring() {
  const { data } = useQuery(ExpiringSecretsDocument);
  return (
    <section className="panel table">
      <DataTable
        caption="Secrets that expire"
        rows={data?.secrets.nodes ?? []}
        rowKey={({ id }) => id}
        columns={[
          { head: 'Secret', cell: ({ name }) => <Link to={`/secrets/${encodeURIComponent(name)}`}>{name}</Link> },
          { head: 'Expires', cell: ({ expiresAt }) => expiresAt !== null && <AgoText at={expiresAt} /> },
        ]}
      />
    </section>
  );
}
