import { useQuery } from '@apollo/client/react';
import { Anchor, Button, Loader } from '@mantine/core';
import { Link } from 'react-router';
import { useRefusal } from '../../api/use-may.ts';
import { type AuthoritiesQuery, AuthoritiesDocument } from '../../gql/graphql.ts';
import { Facts } from '../../ui/facts.tsx';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { Activate, Retire, Rotate } from './authority-acts.tsx';

type Authorities = AuthoritiesQuery['authorities'];
type Authority = Authorities['authorities'][number];

const followEveryMs = 3000;

/** The certificate authorities that agents are to trust: which one signs, and the steps from one to the next. */
export function AuthorityScreen() {
  const { data, error, refetch } = useQuery(AuthoritiesDocument, {
    fetchPolicy: 'no-cache',
    pollInterval: followEveryMs,
    // A page that nobody looks at does not keep its session alive.
    skipPollAttempt: () => document.hidden,
  });
  const reread = async () => void (await refetch());
  const all = data?.authorities.authorities ?? [];
  return (
    <div className="stack">
      <div className="head">
        <h1>Certificate authority</h1>
        <Button component="a" href="/ca.pem" download="onecli-ca.pem" variant="default" size="xs">
          Download the certificate
        </Button>
        <Rotate hasNext={all.some(({ state }) => state === 'NEXT')} done={reread} />
        <GuardedButton
          component={Link}
          to="/new/authority"
          variant="default"
          size="xs"
          refused={useRefusal('authority:import')}
        >
          Import your own
        </GuardedButton>
      </div>
      <p className="lead">
        Agents have to trust it, because OneCLI looks into their TLS. To rotate: make the next one, give agents the time
        to learn it, activate it, retire the one before. Nothing is interrupted.
      </p>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {data === undefined && error === undefined && <Loader size="sm" aria-label="Loading" />}
      {data !== undefined && data.authorities.waitingFor.length > 0 && (
        <p className="note warn" role="status">
          The next step waits for <span className="mono">{data.authorities.waitingFor.join(', ')}</span>: restart a
          worker that is of an earlier release, or cannot read the database.
        </p>
      )}
      {all.map((authority) => (
        <AuthorityPanel key={authority.id} authority={authority} done={reread} />
      ))}
    </div>
  );
}

const states = {
  ACTIVE: ['allow', 'Active: it signs'],
  NEXT: ['warn', 'Next: agents learn to trust it'],
  PREVIOUS: ['', 'Previous: trusted, signs nothing'],
} as const;

function AuthorityPanel({ authority, done }: { readonly authority: Authority; readonly done: () => Promise<void> }) {
  const { state, subject, fingerprint, trustFingerprint, isIntact, notBefore, notAfter, constraints } = authority;
  const [tone, text] = states[state];
  return (
    <section className="panel stack" aria-label={`Authority, ${state.toLowerCase()}`}>
      <div className="actions">
        <span className={`tag ${tone}`}>{text}</span>
        {!isIntact && <span className="tag deny">Altered: not used</span>}
        <span className="spread" />
        {state === 'NEXT' && <Activate authority={authority} done={done} />}
        {state !== 'ACTIVE' && <Retire authority={authority} done={done} />}
      </div>
      <Facts
        facts={[
          ['Subject', subject],
          ['SHA-256', <code key="own">{fingerprint}</code>],
          ...(trustFingerprint !== null && trustFingerprint !== fingerprint
            ? [['Root that agents trust', <code key="root">{trustFingerprint}</code>] as const]
            : []),
          ['Valid', <Validity key="valid" from={notBefore} until={notAfter} />],
          ['Issues for', constraints.length === 0 ? 'any host' : constraints.join(', ')],
          ...(authority.activatesAt !== null && state === 'NEXT'
            ? [['Active by itself', <TimeText key="activates" at={authority.activatesAt} />] as const]
            : []),
        ]}
      />
      {state === 'ACTIVE' && (
        <p className="lead">
          For agents that are not started by <code>onecli run</code>:{' '}
          <Anchor href="/ca.pem" inherit>
            /ca.pem
          </Anchor>{' '}
          has it, with the next one.
        </p>
      )}
    </section>
  );
}

function Validity({ from, until }: { readonly from: string | null; readonly until: string | null }) {
  if (from === null || until === null) return 'not known';
  return (
    <>
      <TimeText at={from} /> – <TimeText at={until} />
    </>
  );
}
