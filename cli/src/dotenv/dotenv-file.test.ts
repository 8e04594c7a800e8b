import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { linesWith, readAssignments, unreadableVariables, withValues } from './dotenv-file.ts';

const read = (text: string) => readAssignments(text).map(({ variable, value, line }) => [variable, value, line]);
const rewritten = (text: string, values: Record<string, string>) => withValues(text, new Map(Object.entries(values)));

const nasty = `# OPENAI_API_KEY=sk-in-a-comment
export OPENAI_API_KEY=sk-plain   # the key
QUOTED="sk double # not a comment"
  SINGLE = 'sk single'
BACKTICK=\`sk back\`
EMPTY=
SPACES=  sk-spaces  
MULTI="one
INNER=not a variable
two"
EQUALS=a=b==
PORT=3000
`;

describe('readAssignments', () => {
  it('reads what Node reads, and where it stands', () => {
    expect(read(nasty)).toEqual([
      ['OPENAI_API_KEY', 'sk-plain', 2],
      ['QUOTED', 'sk double # not a comment', 3],
      ['SINGLE', 'sk single', 4],
      ['BACKTICK', 'sk back', 5],
      ['EMPTY', '', 6],
      ['SPACES', 'sk-spaces', 7],
      ['MULTI', 'one\nINNER=not a variable\ntwo', 8],
      ['EQUALS', 'a=b==', 11],
      ['PORT', '3000', 12],
    ]);
    expect(unreadableVariables(nasty)).toEqual([]);
  });

  it('takes the last of several, as programs do', () => {
    expect(read('A=one\nA=two\n')).toEqual([['A', 'two', 2]]);
  });

  it('agrees with Node or leaves the variable out, whatever the text is', () => {
    const odd = [
      'A=\\"x\\"',
      'A="x\\"y"',
      "A='it''s'",
      'A="x" trailing',
      'A=x#y',
      'A="unclosed\nB=1',
      'A: x',
      'A\nB=2',
      '=x',
      'A="a\\nb"',
      "A='a\"b'",
      'A="a\'b"\r\nB=2\r\n',
      '\uFEFFA=1',
      'A=${B}',
      'A=`a\'"b`',
      'a.b=1\nA-B=2',
      '__proto__=x\nconstructor=y',
    ];
    for (const text of odd) {
      const truth = parseEnv(text.replace('\uFEFF', '')) as Record<string, string>;
      for (const { variable, value } of readAssignments(text)) expect(value, text).toBe(truth[variable]);
    }
  });
});

describe('withValues', () => {
  it('puts other values in and leaves comments, order, quotes and blanks', () => {
    const text = rewritten(nasty, {
      OPENAI_API_KEY: 'onecli://prod/openai',
      QUOTED: 'onecli://prod/q',
      SPACES: 'onecli://prod/s',
    });
    expect(text).toBe(
      nasty
        .replace('=sk-plain ', '=onecli://prod/openai ')
        .replace('sk double # not a comment', 'onecli://prod/q')
        .replace('=  sk-spaces  ', '=  onecli://prod/s  '),
    );
  });

  it('keeps line ends and a byte order mark', () => {
    expect(rewritten('\uFEFFA=x\r\nB="y"\r\n', { A: 'onecli://prod/a', B: 'onecli://prod/b' })).toBe(
      '\uFEFFA=onecli://prod/a\r\nB="onecli://prod/b"\r\n',
    );
  });

  it('changes nothing the second time', () => {
    const values = { OPENAI_API_KEY: 'onecli://prod/openai' };
    expect(rewritten(rewritten(nasty, values), values)).toBe(rewritten(nasty, values));
  });

  it('writes nothing that a program would read in another way', () => {
    expect(() => rewritten("A='x'\n", { A: "it's" })).toThrow('A would be read in another way');
    expect(() => rewritten('A=x\n', { A: 'y\nB=z' })).toThrow('would be read in another way');
  });
});

describe('linesWith', () => {
  it('finds a key that stands in a comment too', () => {
    expect(linesWith('A=1\n# sk-old\nB=sk-old\n', 'sk-old')).toEqual([2, 3]);
  });
});
