import { Anchor } from '@mantine/core';
import { Facts } from '../../ui/facts.tsx';
import { TimeText } from '../../ui/time-text.tsx';
import { Activate, type StepProps } from './authority-acts.tsx';
import { heldText } from './held.ts';
import { HolderList } from './holder-list.tsx';
import { kindTexts } from './kind-texts.ts';
import { Retire } from './retire.tsx';

const tones = { ACTIVE: 'allow', NEXT: 'warn', PREVIOUS: '' } as const;

/** One authority: what it is, and the steps that can be taken with it. */
export function AuthorityPanel(props: StepProps) {
  const { kind, authority } = props;
  const { state, isIntact } = authority;
  return (
    <section className="panel stack" aria-label={`Authority, ${state.toLowerCase()}`}>
      <div className="actions">
        <span className={`tag ${tones[state]}`}>{kindTexts[kind].states[state]}</span>
        {!isIntact && <span className="tag deny">Altered: not used</span>}
        <span className="spread" />
        {state === 'NEXT' && <Activate {...props} />}
        {state !== 'ACTIVE' && <Retire {...props} />}
      </div>
      <AuthorityFacts kind={kind} authority={authority} />
      {kind === 'CLIENT' && state !== 'ACTIVE' && <HolderList {...authority} />}
      {kind === 'GATEWAY' && state === 'ACTIVE' && (
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

function AuthorityFacts({ kind, authority }: Pick<StepProps, 'kind' | 'authority'>) {
  const { state, subject, fingerprint, trustFingerprint, notBefore, notAfter, constraints, activatesAt } = authority;
  return (
    <Facts
      facts={[
        ['Subject', subject],
        ['SHA-256', <code key="own">{fingerprint}</code>],
        ...(trustFingerprint !== null && trustFingerprint !== fingerprint
          ? [['Root that agents trust', <code key="root">{trustFingerprint}</code>] as const]
          : []),
        ['Valid', <Validity key="valid" from={notBefore} until={notAfter} />],
        kind === 'CLIENT'
          ? ['Certificates', heldText(authority)]
          : ['Issues for', constraints.length === 0 ? 'any host' : constraints.join(', ')],
        ...(activatesAt !== null && state === 'NEXT'
          ? [['Active by itself', <TimeText key="activates" at={activatesAt} />] as const]
          : []),
      ]}
    />
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
