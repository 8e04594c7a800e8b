import type { SecretRowFragment } from '../../gql/graphql.ts';
import { Facts } from '../../ui/facts.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { surfaces } from './surfaces.ts';

const echoes = { REPLACE: 'replaced by the placeholder', REFUSE: 'the answer is refused', OFF: 'let through' } as const;

/** What a secret is for. Its value is nowhere. */
export function SecretFacts({ secret }: { readonly secret: SecretRowFragment }) {
  const { name, description, binding, expiresAt, leaseSeconds, maxVersions, managedBy, valueSetAt } = secret;
  const labels = surfaces.filter(({ id }) => binding?.surfaces.includes(id)).map(({ label }) => label);
  return (
    <Facts
      facts={[
        ['Placeholder', <code key="placeholder">onecli://{name}</code>],
        ['Description', description === '' ? 'none' : description],
        ['Hosts', binding?.hosts.join(', ') ?? 'bound nowhere: it is never used'],
        ['Surfaces', labels.length === 0 ? 'none' : labels.join(', ')],
        ...(binding?.jsonPaths == null ? [] : [['JSON paths', binding.jsonPaths.join(', ')] as const]),
        ...(binding === null ? [] : [['Echoes of it', echoes[binding.scrub]] as const]),
        ...(binding?.allowCleartext === true ? [['Without TLS', 'allowed: it may leave in the clear'] as const] : []),
        ['Value set', <TimeText key="set" at={valueSetAt} />],
        ['Expires', expiresAt === null ? 'never' : <TimeText key="expires" at={expiresAt} />],
        ['Lease', leaseSeconds === null ? 'without end' : `${leaseSeconds} seconds`],
        ['Versions kept', maxVersions ?? 'all'],
        ['Managed by', managedBy ?? 'hand'],
      ]}
    />
  );
}
