import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { listOf, listText } from '../../ui/text-list.ts';
import {
  type PolicyFields,
  type RuleEffect,
  type RuleFields,
  type RuleList,
  addRule,
  readPolicy,
  removeRule,
  setAgents,
  setAsks,
  setEffect,
  setMode,
  setRuleList,
} from './policy-yaml.ts';

interface PolicyFormProps {
  /** YAML. The form edits it in the places that it changes; comments stay. */
  readonly text: string;
  readonly change: (text: string) => void;
}

/** A policy as a form, beside its text: each shows at once what is done in the other. */
export function PolicyForm({ text, change }: PolicyFormProps) {
  const policy = readPolicy(text);
  if (typeof policy === 'string')
    return (
      <p className="note warn" role="status">
        The form waits until the text can be read: {policy}
      </p>
    );
  return (
    <div className="stack">
      <div className="columns inputs">
        <ListInput
          label="Agents"
          description="Names, * for any characters, or labels: team=finance&site=berlin"
          values={policy.agents}
          change={(agents) => change(setAgents(text, agents))}
        />
        <NativeSelect
          label="Mode"
          value={policy.mode}
          data={[
            { value: 'enforce', label: 'Enforce' },
            { value: 'monitor', label: 'Monitor: what it would deny passes' },
          ]}
          onChange={(event) => change(setMode(text, event.currentTarget.value as PolicyFields['mode']))}
        />
      </div>
      {policy.rules.map((rule, index) => (
        <RuleForm
          key={index}
          number={index + 1}
          rule={rule}
          setEffect={(effect) => change(setEffect(text, index, effect))}
          setList={(list, values) => change(setRuleList(text, index, list, values))}
          setAsks={(asks) => change(setAsks(text, index, asks))}
          remove={() => change(removeRule(text, index))}
        />
      ))}
      <div className="actions">
        <Button variant="default" size="xs" onClick={() => change(addRule(text))}>
          One rule more
        </Button>
      </div>
    </div>
  );
}

interface RuleFormProps {
  readonly number: number;
  readonly rule: RuleFields;
  readonly setEffect: (effect: RuleEffect) => void;
  readonly setList: (list: RuleList, values: string[]) => void;
  readonly setAsks: (asks: boolean) => void;
  readonly remove: () => void;
}

const lists = [
  ['hosts', 'Hosts', '*.example.com is any name below'],
  ['paths', 'Paths', 'Empty: every path'],
  ['methods', 'Methods', 'Empty: every method'],
  ['secrets', 'Secrets', 'Which it may use there'],
] as const;

function RuleForm({ number, rule, setEffect: choose, setList, setAsks: ask, remove }: RuleFormProps) {
  const isAllow = rule.effect === 'allow';
  return (
    <fieldset className={`parts ${rule.effect}`}>
      <legend>
        Rule {number} {rule.asks && <span className="tag warn flush">Asks a person</span>}
      </legend>
      <div className="part">
        <NativeSelect
          aria-label={`Effect of rule ${number}`}
          value={rule.effect}
          data={[
            { value: 'allow', label: 'Allow' },
            { value: 'deny', label: 'Deny: wins over every allow' },
          ]}
          onChange={(event) => choose(event.currentTarget.value as RuleEffect)}
        />
        <Button variant="default" aria-label={`Take rule ${number} away`} onClick={remove}>
          ✕
        </Button>
      </div>
      <div className="columns inputs">
        {lists
          .filter(([list]) => isAllow || list !== 'secrets')
          .map(([list, label, description]) => (
            <ListInput
              key={list}
              label={label}
              description={description}
              values={rule[list]}
              change={(values) => setList(list, values)}
            />
          ))}
      </div>
      {isAllow && <Asks isTunnel={rule.others.includes('tunnel')} asks={rule.asks} change={ask} />}
      {rule.others.length > 0 && (
        <p className="lead">
          Only in the text: <code>{rule.others.join(', ')}</code>
        </p>
      )}
    </fieldset>
  );
}

interface AsksProps {
  readonly isTunnel: boolean;
  readonly asks: boolean;
  readonly change: (asks: boolean) => void;
}

function Asks({ isTunnel, asks, change }: AsksProps) {
  // Nobody sees what a tunnel carries: the API refuses both together, and what is set can still be taken away.
  if (isTunnel && !asks) return null;
  return (
    <Checkbox
      label="A person has to approve"
      description="Whatever other rules allow: a request is refused, and waits in Approvals, until somebody approves it for a time"
      checked={asks}
      onChange={(event) => change(event.currentTarget.checked)}
    />
  );
}

interface ListInputProps {
  readonly label: string;
  readonly description: string;
  readonly values: readonly string[];
  readonly change: (values: string[]) => void;
}

/** Values with commas between them; one that has a comma in it stands in quotes. What is typed stays as it is typed while it means the same. */
function ListInput({ label, description, values, change }: ListInputProps) {
  const [typed, setTyped] = useState('');
  const isSame = listOf(typed).join('\n') === values.join('\n');
  return (
    <TextInput
      label={label}
      description={description}
      spellCheck={false}
      value={isSame ? typed : listText(values)}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        change(listOf(event.currentTarget.value));
      }}
    />
  );
}
