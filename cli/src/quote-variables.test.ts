import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { quoteVariables } from './quote-variables.ts';

describe('quoteVariables', () => {
  it('survives a shell whatever the value holds', () => {
    const value = `it's "a" $HOME \`id\` \\ !\nline`;
    const script = `${quoteVariables('sh', { VALUE: value })}printf %s "$VALUE"`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(value);
  });

  it('unsets before it sets, in shells', () => {
    expect(quoteVariables('sh', { A: '1' }, ['B'])).toBe("unset B\nexport A='1'\n");
    expect(quoteVariables('fish', { A: "it's \\" }, ['B'])).toBe("set -e B\nset -gx A 'it\\'s \\\\'\n");
  });

  it.each([
    ['http://a:t%2F@127.0.0.1:1', 'http://a:t%2F@127.0.0.1:1'],
    ['a b#c$d', "'a b#c$d'"],
    [`it's "$x"\n`, `"it's \\"\\$x\\"\\n"`],
    ['', ''],
  ])('writes %j for dotenv as %j', (value, written) => {
    expect(quoteVariables('dotenv', { A: value })).toBe(`A=${written}\n`);
  });

  it('writes JSON that reads back', () => {
    expect(JSON.parse(quoteVariables('json', { A: '"\n' }))).toEqual({ A: '"\n' });
  });
});
