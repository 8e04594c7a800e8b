import { NativeSelect, Radio } from '@mantine/core';
import { useState } from 'react';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { type ApprovalRowFragment, ApproveDocument } from '../../gql/graphql.ts';
import { AgoText } from '../../ui/ago-text.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { GuardedButton } from '../../ui/guarded-button.tsx';
import { RuleLink } from '../../ui/rule-link.tsx';
import { ruleName } from '../../ui/rule-name.ts';
import { useFields } from '../../ui/use-fields.ts';
import { asksText, scopeText, targetText } from './approval-texts.ts';

interface ApproveProps {
  readonly approval: ApprovalRowFragment;
  readonly done: () => Promise<void>;
}

const times = [
  { value: '15', label: '15 minutes' },
  { value: '60', label: '1 hour' },
  { value: '480', label: '8 hours' },
  { value: '1440', label: '1 day' },
  { value: '10080', label: '1 week' },
];

const given = { minutes: '60', scope: 'request' };

/** Lets an agent do what it asked for: it says for how long, and whether that alone. */
export function Approve({ approval, done }: ApproveProps) {
  const act = useAct(ApproveDocument, done);
  const [isOpen, setOpen] = useState(false);
  const { fields, set, text } = useFields(given);
  const open = () => {
    set(given);
    setOpen(true);
  };
  const submit = async () => {
    const { minutes, scope } = fields;
    const problem = await act({ id: approval.id, minutes: Number(minutes), wholeRule: scope === 'rule' })();
    if (problem === undefined) setOpen(false);
    return problem;
  };
  return (
    <>
      <GuardedButton size="xs" refused={useRefusal('approval:decide')} onClick={open}>
        Approve
      </GuardedButton>
      <Dialog isOpen={isOpen} title={`Approve it for ${approval.agent}?`} close={() => setOpen(false)}>
        <FormPanel isBare submitLabel="Approve" submit={submit} cancel={() => setOpen(false)}>
          <Asked approval={approval} />
          <NativeSelect label="For how long" data={times} {...text('minutes')} />
          <ScopeChoice approval={approval} scope={fields.scope} choose={(scope) => set({ scope })} />
        </FormPanel>
      </Dialog>
    </>
  );
}

/** What the agent asked for, the whole of it: somebody decides by it. */
function Asked({ approval }: { readonly approval: ApprovalRowFragment }) {
  const { agent, method, rule, environments, asks, askedAt } = approval;
  return (
    <Facts
      facts={[
        ['Agent', agent],
        [
          'Request',
          <code key="request">
            {method} {targetText(approval)}
          </code>,
        ],
        ['Rule', <RuleLink key="rule" rule={rule} />],
        ['Environments', environments.includes('*') ? 'all' : environments.join(', ')],
        [
          'Asked',
          <span key="asked">
            {asksText(asks)}, first <AgoText at={askedAt} />
          </span>,
        ],
      ]}
    />
  );
}

interface ScopeChoiceProps {
  readonly approval: ApprovalRowFragment;
  readonly scope: string;
  readonly choose: (scope: string) => void;
}

function ScopeChoice({ approval: { agent, method, rule, covers }, scope, choose }: ScopeChoiceProps) {
  return (
    <Radio.Group label="For what" value={scope} onChange={choose}>
      <div className="stack scope">
        <Radio
          value="request"
          label="This request alone"
          description={`${method} to this host and path, as often as ${agent} likes and whatever its query and body. Anything else is asked for by itself.`}
        />
        <Radio
          value="rule"
          label="All that the rule covers"
          disabled={covers === null}
          description={`${ruleName(rule)}: ${scopeText(covers)}. Nobody is asked again for any of it until the time is over.`}
        />
      </div>
    </Radio.Group>
  );
}
