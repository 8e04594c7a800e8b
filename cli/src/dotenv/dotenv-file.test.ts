import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { linesWith, readDotenvText, withValues } from './dotenv-file.ts';

const read = (text: string) =>
  readDotenvText(text).assignments.map(({ variable, value, line }) => [variable, value, line]);
const unread = (text: string) => readDotenvText(text).unread.map(({ variable, line }) => [variable, line]);
const rewritten = (text: string, values: Record<string, string>) => withValues(text, new Map(Object.entries(values)));

const nasty = `# OPENAI_API_KEY=sk-in-a-comment
export OPENAI_API_KEY=sk-plain   # the key
QUOTED="sk double # not a comment"
  SINGLE = 'sk single'
EMPTY=
SPACES=  sk-spaces  
MULTI="one
INNER=not a variable
two"
EQUALS=a=b==
PORT=3000
`;

describe('readDotenvText', () => {
  it('reads what Node reads, and where it stands', () => {
    expect(read(nasty)).toEqual([
      ['OPENAI_API_KEY', 'sk-plain', 2],
      ['QUOTED', 'sk double # not a comment', 3],
      ['SINGLE', 'sk single', 4],
      ['EMPTY', '', 5],
      ['SPACES', 'sk-spaces', 6],
      ['MULTI', 'one\nINNER=not a variable\ntwo', 7],
      ['EQUALS', 'a=b==', 10],
      ['PORT', '3000', 11],
    ]);
    expect(unread(nasty)).toEqual([]);
  });

  it('takes the last of several, as programs do', () => {
    expect(read('A=one\nA=two\n')).toEqual([['A', 'two', 2]]);
  });

  it('reads no key of a line that shells, Node and other libraries read differently, and names the line', () => {
    for (const line of [
      'A_KEY=abc#def',
      'A_KEY=#def',
      'A_KEY="abc"#def',
      'A_KEY=${B}-x',
      'A_KEY=pa$$word',
      'A_KEY="pa$word"',
      'A_KEY=a;b',
      'export A_KEY=1; export B_MODE=prod',
      'A_KEY=a&b',
      'A_KEY=`pass show x`',
      'A_KEY="a`b"',
      'A_KEY=~root/x',
      'A_KEY= ~',
      'A_KEY=x:~root',
      'export A_KEY=:~/x',
      'A_KEY=two words',
      'A_KEY=a\u00a0b',
      'A_KEY=a\rB=c',
      'A_KEY=a\\ b',
      "A_KEY='it''s'",
      'A_KEY="a" "b"',
      'A_KEY="c"d',
      'A_KEY="a\\"b"',
      'A_KEY="a\\nb"',
    ]) {
      expect(read(`${line}\nC=1\n`), line).toEqual([['C', '1', 2]]);
      expect(unread(`${line}\nC=1\n`), line).toContainEqual(['A_KEY', 1]);
    }
  });

  it('reads a tilde where no shell takes it for a home', () => {
    expect(read('A_KEY=a~b\nB_KEY="~root"\nC_KEY=\'x:~root\'\n')).toEqual([
      ['A_KEY', 'a~b', 1],
      ['B_KEY', '~root', 2],
      ['C_KEY', 'x:~root', 3],
    ]);
  });

  it('names what only some libraries take for an assignment', () => {
    expect(unread('A_KEY: yaml\n')).toEqual([['A_KEY', 1]]);
  });

  it('is sure of no line after a quote that nothing closes', () => {
    expect(read('Z=1\nA="unclosed\nB_KEY=1\n')).toEqual([['Z', '1', 1]]);
    expect(unread('Z=1\nA="unclosed\nB_KEY=1\n')).toEqual([
      ['A', 2],
      ['B_KEY', 3],
    ]);
  });

  it('names the line of a stray piece of a key, and repeats nothing of it', () => {
    expect(unread('A_KEY=x\nMIIEpAIBAAKCAQEA/+x\n+ab==\n')).toEqual([
      [undefined, 2],
      [undefined, 3],
    ]);
  });

  it('tells what is overridden, and which comments look like an assignment', () => {
    const { overridden, commented } = readDotenvText('# A_KEY=older\nA_KEY=old\nA_KEY=new\n# note: A_KEY is new\n');
    expect(overridden).toMatchObject([{ variable: 'A_KEY', value: 'old', line: 2 }]);
    expect(commented).toMatchObject([{ variable: 'A_KEY', value: 'older', line: 1 }]);
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
      for (const { variable, value } of readDotenvText(text).assignments) expect(value, text).toBe(truth[variable]);
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
