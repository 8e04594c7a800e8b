import { useQuery } from '@apollo/client/react';
import { Link } from 'react-router';
import { type SecretRowFragment, SecretsDocument } from '../../gql/graphql.ts';
import { ListFrame } from '../../ui/list-frame.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { useListAddress } from '../../ui/use-list-address.ts';

const pageSize = 50;

/** The secrets: what they are for, and whether they are used. No value is ever here. */
export function SecretListScreen() {
  const address = useListAddress();
  const filter = address.prefix === '' ? null : { namePrefix: address.prefix };
  const variables = { first: pageSize, after: address.after, filter };
  const { data, previousData, error } = useQuery(SecretsDocument, { variables });
  const page = (data ?? previousData)?.secrets;
  return (
    <ListFrame
      title="Secrets"
      address={address}
      create={{ label: 'New secret', to: '/new/secret' }}
      error={error}
      count={page?.nodes.length}
      next={page?.pageInfo.hasNextPage === true ? page.pageInfo.endCursor : null}
      whenEmpty={
        <>
          Make one here, or: <code>npx onecli secret put prod/openai --host api.openai.com</code>
        </>
      }
    >
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Hosts</th>
            <th scope="col">State</th>
            <th scope="col" className="number">
              Version
            </th>
            <th scope="col">Last used</th>
          </tr>
        </thead>
        <tbody>
          {page?.nodes.map((secret) => (
            <SecretLine key={secret.id} secret={secret} />
          ))}
        </tbody>
      </table>
    </ListFrame>
  );
}

function SecretLine({ secret }: { readonly secret: SecretRowFragment }) {
  const { name, description, binding, version, lastUsedAt } = secret;
  return (
    <tr>
      <td>
        <Link to={`/secrets/${encodeURIComponent(name)}`}>{name}</Link>
        {description !== '' && <div className="dim">{description}</div>}
      </td>
      <td className="mono">
        {binding === null ? <span className="dim">bound nowhere</span> : binding.hosts.join(', ')}
      </td>
      <td>
        <SecretState secret={secret} />
      </td>
      <td className="number">{version}</td>
      <td>{lastUsedAt === null ? <span className="dim">never</span> : <TimeText at={lastUsedAt} />}</td>
    </tr>
  );
}

/** Whether a secret can be used at all. */
export function SecretState({ secret }: { readonly secret: SecretRowFragment }) {
  if (secret.isDisabled) return <span className="tag deny">Disabled</span>;
  if (secret.expiresAt !== null && new Date(secret.expiresAt) <= new Date())
    return <span className="tag deny">Expired</span>;
  if (secret.binding === null) return <span className="tag warn">Unbound</span>;
  return <span className="tag allow">Ready</span>;
}
