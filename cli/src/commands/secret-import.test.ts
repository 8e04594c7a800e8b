import { describe, expect, it } from 'vitest';
import { chooseSecrets } from '../dotenv/choose-secrets.ts';
import { readDotenvText } from '../dotenv/dotenv-file.ts';
import { parseHosts } from '../dotenv/read-dotenv.ts';
import { wantedSecrets } from './secret-import.ts';

type Existing = Parameters<typeof wantedSecrets>[0][number];

const existing = (name: string, fields: Partial<Existing> = {}): Existing => ({
  name,
  description: `of ${name}`,
  binding: { hosts: ['own.example'], surfaces: ['basic'], allowCleartext: true },
  alias: null,
  leaseSeconds: 60,
  disabled: false,
  ...fields,
});
const wanted = (text: string, hosts: string[], there: Existing[]) => {
  const { assignments } = readDotenvText(text);
  return wantedSecrets(
    there,
    chooseSecrets(assignments, { environment: 'prod', skip: [], hosts: parseHosts(hosts) }).chosen,
  );
};

describe('wantedSecrets', () => {
  it('a host that is named of one variable leaves all other secrets as they are, and every field but the hosts', () => {
    const there = [existing('prod/openai'), existing('prod/acme'), existing('prod/other', { binding: null })];
    const text = 'OPENAI_API_KEY=a\nACME_KEY=b\nOTHER_KEY=c\n';
    expect(wanted(text, ['ACME_KEY=api.acme.example'], there)).toEqual([
      { name: 'prod/openai', value: 'a', alias: null, ...asIs('prod/openai') },
      {
        name: 'prod/acme',
        value: 'b',
        alias: null,
        ...asIs('prod/acme'),
        binding: { hosts: ['api.acme.example'], surfaces: ['basic'], allowCleartext: true },
      },
      { name: 'prod/other', value: 'c', alias: null, ...asIs('prod/other'), binding: null },
    ]);
  });

  it('a secret that was made without a binding stays so, well known or not, until its hosts are named', () => {
    const unbound = [existing('prod/openai', { binding: null })];
    expect(wanted('OPENAI_API_KEY=a\n', [], unbound)).toMatchObject([{ binding: null, leaseSeconds: 60 }]);
    expect(wanted('OPENAI_API_KEY=a\n', ['OPENAI_API_KEY=b.example'], unbound)).toMatchObject([
      { binding: { hosts: ['b.example'] } },
    ]);
  });

  it('of two variables with one value, the hosts that were named hold', () => {
    const text = 'GITHUB_TOKEN=x\nGH_TOKEN=x\n';
    for (const variable of ['GITHUB_TOKEN', 'GH_TOKEN'])
      for (const there of [[], [existing('prod/github')]])
        expect(wanted(text, [`${variable}=ghe.example`], there)).toMatchObject([
          { binding: { hosts: ['ghe.example'] } },
        ]);
  });
});

function asIs(name: string) {
  const { description, binding, leaseSeconds } = existing(name);
  return { description, binding, leaseSeconds };
}
