import { useQuery } from '@apollo/client/react';
import { Button, SegmentedControl } from '@mantine/core';
import { Link, useSearchParams } from 'react-router';
import { Loading } from '../../ui/loading.tsx';
import { useRefusal } from '../../api/use-may.ts';
import { type AuthorityKind, AuthoritiesDocument } from '../../gql/graphql.ts';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { Rotate } from './authority-acts.tsx';
import { AuthorityPanel } from './authority-panel.tsx';
import { kindTexts } from './kind-texts.ts';

const followEveryMs = 3000;
const kinds = ['GATEWAY', 'CLIENT'] as const satisfies readonly AuthorityKind[];

/** The certificate authorities of a kind: which one signs, and the steps from one to the next. */
export function AuthorityScreen() {
  const [parameters, setParameters] = useSearchParams();
  const kind = kinds.find((one) => one === parameters.get('kind')) ?? 'GATEWAY';
  const { data, error, refetch } = useQuery(AuthoritiesDocument, {
    variables: { kind },
    fetchPolicy: 'no-cache',
    pollInterval: followEveryMs,
    // A page that nobody looks at does not keep its session alive.
    skipPollAttempt: () => document.hidden,
  });
  const reread = async () => void (await refetch());
  // An answer that was under way when the kind changed is of the other one.
  const found = data?.authorities.kind === kind ? data.authorities : undefined;
  const all = found?.authorities ?? [];
  return (
    <div className="stack">
      <div className="head">
        <h1>Certificate authority</h1>
        {kind === 'GATEWAY' && <OfHosts />}
        <Rotate key={kind} kind={kind} hasNext={all.some(({ state }) => state === 'NEXT')} done={reread} />
      </div>
      <div className="actions">
        <SegmentedControl
          size="xs"
          aria-label="Kind of authority"
          value={kind}
          onChange={(chosen) => setParameters(chosen === 'GATEWAY' ? {} : { kind: chosen }, { replace: true })}
          data={kinds.map((value) => ({ value, label: kindTexts[value].name }))}
        />
      </div>
      <p className="lead">{kindTexts[kind].about}</p>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {found === undefined && error === undefined && <Loading />}
      {found !== undefined && <WaitingFor workers={found.waitingFor} />}
      {kind === 'CLIENT' && found?.authorities.length === 0 && (
        <p className="lead">There is none yet: the first certificate that is issued for an agent makes it.</p>
      )}
      {all.map((authority) => (
        <AuthorityPanel key={authority.id} kind={kind} authority={authority} done={reread} />
      ))}
    </div>
  );
}

/** What there is for the authority that agents trust alone. */
function OfHosts() {
  return (
    <>
      <Button component="a" href="/ca.pem" download="onecli-ca.pem" variant="default" size="xs">
        Download the certificate
      </Button>
      <GuardedButton
        component={Link}
        to="/new/authority"
        variant="default"
        size="xs"
        refused={useRefusal('authority:import')}
      >
        Import your own
      </GuardedButton>
    </>
  );
}

function WaitingFor({ workers }: { readonly workers: readonly string[] }) {
  if (workers.length === 0) return null;
  return (
    <p className="note warn" role="status">
      The next step waits for <span className="mono">{workers.join(', ')}</span>: restart a worker that is of an earlier
      release, or cannot read the database.
    </p>
  );
}
