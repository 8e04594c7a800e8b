import { describe, expect, it } from 'vitest';
import { isCalledLikeSecret } from './choose-secrets.ts';
import { readDotenvText } from './dotenv-file.ts';
import { remainderNotices, unreadNotices } from './left-in-file.ts';

describe('what is said of a .env file', () => {
  it('names keys that are overridden or in a comment, of variables that are set, and never their values', () => {
    const text = `A_KEY=canary-old
# export A_KEY="canary-older"
A_KEY=canary-new
PORT=1
PORT=2
# B_KEY=your-key-here
C_KEY=
C_KEY=onecli://prod/c
`;
    const notices = remainderNotices(readDotenvText(text), isCalledLikeSecret);
    expect(notices).toEqual([
      'warning: A_KEY on line 1 is overridden further down; a key stands there still',
      'warning: A_KEY on line 2 is a comment that looks like an assignment; a key stands there still',
    ]);
  });

  it('says how to write a line that can be read in more than one way', () => {
    expect(unreadNotices(readDotenvText('DB_PASSWORD=canary#x\ncanary+x\n'))).toEqual([
      "left DB_PASSWORD on line 1: it can be read in more than one way; write DB_PASSWORD='…', alone on its line",
      'left what stands on line 2: it can be read in more than one way',
    ]);
  });
});
