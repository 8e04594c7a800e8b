import { parseHostPattern } from '@onecli/shared/domain/host-pattern';
import { isSecretName } from '@onecli/shared/domain/names';
import { describe, expect, it } from 'vitest';
import { knownVariables } from '../known-variables.ts';
import { chooseSecrets } from './choose-secrets.ts';
import { readDotenvText } from './dotenv-file.ts';
import { parseHosts } from './read-dotenv.ts';

const choose = (text: string, options: { hosts?: string[]; skip?: string[] } = {}) =>
  chooseSecrets(readDotenvText(text).assignments, {
    environment: 'prod',
    hosts: parseHosts(options.hosts ?? []),
    skip: options.skip ?? [],
  });
const named = (text: string, options = {}) =>
  choose(text, options).chosen.map(({ variable, name }) => [variable, name]);

describe('chooseSecrets', () => {
  it('binds what is well known, leaves unbound what only looks like a key, and leaves the rest', () => {
    const { chosen, left } = choose('OPENAI_API_KEY=a\nACME_API_KEY=b\nPORT=3000\nNEXT_PUBLIC_KEY=c\n');
    expect(chosen).toEqual([
      expect.objectContaining({
        variable: 'OPENAI_API_KEY',
        name: 'prod/openai',
        value: 'a',
        hosts: ['api.openai.com'],
      }),
      expect.objectContaining({ variable: 'ACME_API_KEY', name: 'prod/acme', value: 'b', hosts: [] }),
    ]);
    expect(left.map(({ variable }) => variable)).toEqual(['PORT', 'NEXT_PUBLIC_KEY']);
  });

  it('takes a variable that is named, whatever it is called, with its hosts', () => {
    expect(choose('SESAME=x\n', { hosts: ['SESAME=a.example,b.example'] }).chosen).toMatchObject([
      { name: 'prod/sesame', hosts: ['a.example', 'b.example'], areHostsNamed: true },
    ]);
    expect(() => choose('A=x\n', { hosts: ['B=b.example'] })).toThrow(
      'B was named, and no line of the file sets it plainly',
    );
  });

  it('makes one secret of one value under two names, and two of two values', () => {
    expect(named('GITHUB_TOKEN=x\nGH_TOKEN=x\n')).toEqual([
      ['GITHUB_TOKEN', 'prod/github'],
      ['GH_TOKEN', 'prod/github'],
    ]);
    expect(named('GITHUB_TOKEN=x\nGH_TOKEN=y\n')).toEqual([
      ['GITHUB_TOKEN', 'prod/github'],
      ['GH_TOKEN', 'prod/gh-token'],
    ]);
  });

  it.each([
    [
      ['FOO_KEY_TOKEN=3', 'FOO_API_KEY=1', 'FOO_KEY=2'],
      ['prod/foo-key', 'prod/foo', 'prod/foo-key-2'],
    ],
    [
      ['A_KEY_2_TOKEN=5', 'A_KEY_TOKEN=3', 'A_API_KEY=1', 'A_KEY=2'],
      ['prod/a-key-2', 'prod/a-key', 'prod/a', 'prod/a-key-3'],
    ],
    [
      ['FOO_KEY_TOKEN=2', 'FOO_API_KEY=1', 'FOO_KEY=2'],
      ['prod/foo-key', 'prod/foo', 'prod/foo-key'],
    ],
    [
      ['A.B_KEY=1', 'A-B_KEY=2', 'A.b_KEY=3'],
      ['prod/a.b', 'prod/a-b', 'prod/a.b-key'],
    ],
  ])('loses no value of %j', (lines, names) => {
    const { chosen } = choose(`${lines.join('\n')}\n`);
    expect(chosen.map(({ name }) => name)).toEqual(names);
    expect(chosen.map(({ variable, value }) => `${variable}=${value}`)).toEqual(lines);
    for (const one of chosen)
      for (const other of chosen) if (one.name === other.name) expect(one.value).toBe(other.value);
  });

  it('gives no key the name of a secret that another line has a placeholder of', () => {
    expect(named('GH_TOKEN=y\nGITHUB_TOKEN=onecli://prod/github\n')).toEqual([['GH_TOKEN', 'prod/gh-token']]);
    expect(named('URL=https://x:onecli://prod/gh-token@3@h/\nGITHUB_TOKEN=x\nGH_TOKEN=y\n')).toEqual([
      ['GITHUB_TOKEN', 'prod/github'],
      ['GH_TOKEN', 'prod/gh-token-2'],
    ]);
  });

  it('leaves placeholders, settings of the gateway, and what no header can hold', () => {
    const text =
      'OPENAI_API_KEY=onecli://prod/openai\nONECLI_MASTER_KEY=x\nTLS_KEY="a\nb"\nSTRIPE_API_KEY=\nNPM_TOKEN=y\n';
    const { chosen, left } = choose(text, { skip: ['NPM_TOKEN'] });
    expect(chosen).toEqual([]);
    expect(left.map(({ reason }) => reason)).toEqual([
      'a placeholder already',
      'a setting of OneCLI itself',
      'of several lines, which no header can have',
      'empty',
      'skipped',
    ]);
  });

  it('repeats nothing of a value that was given by mistake', () => {
    expect(() => parseHosts(['=sk-canary'])).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('canary') }),
    );
  });
});

describe('the table of well-known variables', () => {
  it('has names and hosts that the API takes', () => {
    for (const { service, hosts } of knownVariables.values()) {
      expect(isSecretName(`prod/${service}`), service).toBe(true);
      expect(hosts.map((host) => parseHostPattern(host).kind)).toEqual(hosts.map(() => 'pattern'));
    }
  });
});
