import { describe, expect, it } from 'vitest';
import { allowWarnings, deniedWarnings } from './allow-warnings.ts';

const named = (name: string) => ({ name, labels: null });
const labelled = (...pairs: readonly (readonly [string, string])[]) => ({
  name: null,
  labels: pairs.map(([key, value]) => ({ key, value })),
});
const policy = (...agents: (ReturnType<typeof named> | ReturnType<typeof labelled>)[]) => ({
  name: 'bot',
  mode: 'ENFORCE' as const,
  agents,
});
const agent = (labels?: { key: string; value: string }[]) => ({ name: 'bot', labels });
const red = [{ key: 'team', value: 'red' }];

describe('a request that a rule denies', () => {
  it('stays denied, and by which rule is told', () => {
    expect(deniedWarnings([])).toEqual([]);
    expect(deniedWarnings(['finance/rules/2'])).toEqual([
      expect.stringMatching(/denied by finance, rule 3, .* stays denied/) as string,
    ]);
  });
});

describe('a rule for an agent', () => {
  it('is not warned of where it does what is expected', () => {
    expect(allowWarnings(null, agent(red))).toEqual([]);
    expect(allowWarnings(policy(named('bot')), agent(red))).toEqual([]);
  });

  it('is one for all whom the policy selects', () => {
    for (const selector of [named('b*'), named('*'), labelled(['team', 'red'])])
      expect(allowWarnings(policy(selector), agent(red))).toEqual([
        expect.stringMatching(/selects (?:b\*|\*|team=red): the rule allows this to all of these/) as string,
      ]);
    expect(allowWarnings(policy(named('other'), named('bot')), agent(red))).toEqual([
      expect.stringContaining('selects other, bot') as string,
    ]);
  });

  it.each([
    ['another name', named('robot')],
    ['a glob of others', named('ci-*')],
    ['another label', labelled(['team', 'blue'])],
    ['one label more', labelled(['team', 'red'], ['tier', '1'])],
  ])('does nothing for it where the policy selects %s', (_, selector) => {
    const [warning, ...more] = allowWarnings(policy(selector), agent(red));
    expect(warning).toMatch(/does not select bot: the rule does nothing for it\. It would allow this to the agents/);
    expect(more).toEqual([]);
  });

  it('does nothing where the policy selects nobody', () => {
    expect(allowWarnings(policy(), agent(red))).toEqual([expect.stringContaining('selects nobody') as string]);
  });

  it('may do nothing where nobody knows its labels', () => {
    expect(allowWarnings(policy(labelled(['team', 'red'])), agent())).toEqual([
      expect.stringContaining('those of bot are not known') as string,
    ]);
    expect(allowWarnings(policy(labelled(['team', 'red']), named('bot')), agent())).toEqual([
      expect.stringContaining('to all of these') as string,
    ]);
    expect(allowWarnings(policy(named('robot')), agent())[0]).toContain('does not select bot');
  });

  it('is not all that passes in monitor mode', () => {
    const monitored = { ...policy(named('bot')), mode: 'MONITOR' as const };
    expect(allowWarnings(monitored, agent(red))).toEqual([expect.stringContaining('is in monitor mode') as string]);
    expect(allowWarnings({ ...monitored, agents: [named('robot')] }, agent(red))).toHaveLength(2);
  });
});
