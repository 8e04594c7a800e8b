import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentTokens } from './agent-tokens.ts';
import { readEnvironment } from './environment.ts';

const here = 'http://127.0.0.1:10255';
let folder = '';
let tokens: AgentTokens;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onecli-tokens-'));
  tokens = new AgentTokens(readEnvironment({ XDG_CONFIG_HOME: folder }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('AgentTokens', () => {
  it('keeps tokens for the user alone and leaves nothing else behind', () => {
    tokens.save(here, 'a', { token: 't1' });
    tokens.save(here, 'b', { token: 't2' });
    expect(statSync(tokens.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(tokens.path))).toEqual(['agents.json']);
    expect([tokens.find(here, 'a')?.token, tokens.find(here, 'b')?.token, tokens.names(here)]).toEqual([
      't1',
      't2',
      ['a', 'b'],
    ]);
  });

  it('tells agents of the same name at two gateways apart', () => {
    tokens.save(here, 'a', { token: 't1' });
    tokens.save('http://elsewhere', 'a', { token: 't2' });
    expect([tokens.find(here, 'a')?.token, tokens.find('http://elsewhere', 'a')?.token]).toEqual(['t1', 't2']);
    expect(tokens.find(undefined, 'a')).toBeUndefined();
  });

  it('remembers which proxy takes a token, so that it goes to no other while that one is away', () => {
    const saved = { token: 't1', proxyUrl: 'http://127.0.0.1:24254' };
    tokens.save(here, 'a', saved);
    expect(tokens.find(undefined, 'a')).toEqual(saved);
  });

  it('forgets one token and is content when there is none', () => {
    tokens.forget(here, 'a');
    tokens.save(here, 'a', { token: 't1' });
    tokens.forget(here, 'a');
    expect(tokens.find(here, 'a')).toBeUndefined();
  });

  it('refuses a damaged file rather than writing over it', () => {
    tokens.save(here, 'a', { token: 't1' });
    writeFileSync(tokens.path, '{');
    expect(() => tokens.save(here, 'b', { token: 't2' })).toThrow('damaged');
  });
});
