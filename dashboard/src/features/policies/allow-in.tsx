import { NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { stringify } from 'yaml';
import { allowWarnings, deniedWarnings } from './allow-warnings.ts';
import { PolicyEditor } from './policy-editor.tsx';
import { appendRule } from './policy-yaml.ts';
import type { AgentPolicies } from './use-agent-policies.ts';
import { editedPolicy } from './use-save-policy.ts';

interface AllowInProps {
  readonly agent: string;
  readonly found: Extract<AgentPolicies, { kind: 'found' }>;
  readonly rule: object;
}

/** The policy to put it in, and its editor with the rule. */
export function AllowIn({ agent, found: { policies, labels, best, newName, deniedBy }, rule }: AllowInProps) {
  const navigate = useNavigate();
  const [chosen, choose] = useState(best);
  // What was written in a policy is there again when it is chosen again.
  const [texts, setTexts] = useState<ReadonlyMap<string, string>>(new Map());
  const policy = policies.find(({ name }) => name === chosen) ?? null;
  const edited = policy === null ? undefined : editedPolicy(policy);
  const base = edited?.text ?? stringify({ name: newName, agents: [agent], rules: [] });
  return (
    <section className="panel stack">
      <NativeSelect
        label="Put the rule into"
        description="Policies that select the agent, or one of its own. A rule that denies wins over every other"
        value={chosen}
        onChange={(event) => choose(event.currentTarget.value)}
        data={[
          ...policies.map((one) => ({ value: one.name, label: `the policy ${one.name}` })),
          { value: '', label: `a new policy, ${newName}` },
        ]}
      />
      {[...deniedWarnings(deniedBy), ...allowWarnings(policy, { name: agent, labels })].map((warning) => (
        <p key={warning} className="note warn" role="status">
          {warning}
        </p>
      ))}
      <PolicyEditor
        key={chosen}
        text={texts.get(chosen) ?? appendRule(base, rule)}
        of={edited}
        isFilledIn
        keep={(text) => setTexts(new Map(texts).set(chosen, text))}
        done={(name) => navigate(`/policies/${encodeURIComponent(name)}`)}
      />
    </section>
  );
}
