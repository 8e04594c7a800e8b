import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import { describe, expect, it } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { sampleAgent, sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';
import { confirmIdentity, identify, type Identity } from './identify.ts';

const pepper = Buffer.alloc(32, 7);
const nowMs = 1_000_000;
const hashOf = (token: string) => tokenHash(pepper, token).toString('hex');
const agents = [
  sampleAgent('bot', { tokens: [{ hash: hashOf('t-bot'), expiresAtMs: undefined }] }),
  sampleAgent('other', { tokens: [{ hash: hashOf('t-other'), expiresAtMs: undefined }] }),
  sampleAgent('late', { tokens: [{ hash: hashOf('t-late'), expiresAtMs: nowMs }] }),
  sampleAgent('off', { isDisabled: true, tokens: [{ hash: hashOf('t-off'), expiresAtMs: undefined }] }),
  sampleAgent('colon', { tokens: [{ hash: hashOf('a:b:c'), expiresAtMs: undefined }] }),
];
const configuration = new Configuration(sampleSnapshot({ agents }));

const who = (...values: string[]) => {
  const headers = values.map((value) => ({ name: 'proxy-authorization', rawName: 'Proxy-Authorization', value }));
  const result = identify(headers, configuration, pepper, nowMs);
  return result.kind === 'identity' ? result.agent.name : result.code;
};
const encode = (text: string) => Buffer.from(text).toString('base64');
const basic = (text: string) => `Basic ${encode(text)}`;

describe('identify', () => {
  it.each([
    ['name and token', basic('bot:t-bot')],
    ['a user name that is no agent’s', basic('x:t-bot')],
    ['no user name', basic(':t-bot')],
    ['the token as the user name', basic('t-bot:')],
    ['the token alone', basic('t-bot')],
    ['the scheme in lower case', `basic ${encode('bot:t-bot')}`],
    ['the scheme in upper case', `BASIC ${encode('bot:t-bot')}`],
    ['two spaces after the scheme', `Basic  ${encode('bot:t-bot')}`],
    ['no padding', basic('bot:t-bot').replace(/=+$/, '')],
  ])('recognises %s', (_name, value) => {
    expect(who(value)).toBe('bot');
  });

  it('takes all after the first colon for the token', () => {
    expect(who(basic('colon:a:b:c'))).toBe('colon');
  });

  it('asks for a token when none was sent', () => {
    expect(who()).toBe('PROXY_AUTH_REQUIRED');
    const others = ['authorization', 'x-proxy-authorization'].map((name) => ({
      name,
      rawName: name,
      value: basic('bot:t-bot'),
    }));
    expect(identify(others, configuration, pepper, nowMs)).toMatchObject({ code: 'PROXY_AUTH_REQUIRED' });
  });

  it.each([
    ['an unknown token', basic('bot:t-none')],
    ['an expired token', basic('late:t-late')],
    ['a disabled agent', basic('off:t-off')],
    ['a name without a token', basic('bot:')],
    ['a name alone', basic('bot')],
    ['the hash of a token', basic(`bot:${hashOf('t-bot')}`)],
    ['a token with a space', basic('bot:t-bot ')],
    ['a token in upper case', basic('bot:T-BOT')],
    ['nothing', ''],
    ['an empty Basic', 'Basic '],
    ['an empty user and token', basic(':')],
    ['another scheme', 'Bearer t-bot'],
    ['no scheme', encode('bot:t-bot')],
    ['base64 with a hole', `Basic ${encode('bot:t-bot')} x`],
    ['base64 with a list', `${basic('bot:t-bot')}, ${basic('other:t-other')}`],
    ['the URL alphabet', 'Basic Ym90OnQtYm90_-'],
    ['a tab after the scheme', `Basic\t${encode('bot:t-bot')}`],
  ])('does not know %s', (_name, value) => {
    expect(who(value)).toBe('PROXY_AUTH_INVALID');
  });

  it('refuses the name of one agent with the token of another', () => {
    expect(who(basic('other:t-bot'))).toBe('IDENTITY_CONFLICT');
    expect(who(basic('off:t-bot'))).toBe('IDENTITY_CONFLICT');
  });

  it('refuses two headers that differ, in either order, and takes two that are the same', () => {
    expect(who(basic('bot:t-bot'), basic('other:t-other'))).toBe('IDENTITY_CONFLICT');
    expect(who(basic('bot:t-none'), basic('bot:t-bot'))).toBe('IDENTITY_CONFLICT');
    expect(who(basic('bot:t-bot'), basic('bot:t-bot'))).toBe('bot');
  });

  it('never says what it was given', () => {
    for (const value of [basic('bot:sk-canary'), 'Bearer sk-canary', basic('other:t-bot')]) {
      const headers = [{ name: 'proxy-authorization', rawName: 'Proxy-Authorization', value }];
      expect(JSON.stringify(identify(headers, configuration, pepper, nowMs))).not.toMatch(/canary|t-bot|Ym90/);
    }
  });
});

describe('confirmIdentity', () => {
  const bot = agents[0] ?? sampleAgent('bot');
  const identity: Identity = { kind: 'identity', tokenHash: hashOf('t-bot'), agent: bot };
  const confirm = (agent: Parameters<typeof sampleAgent>[1], atMs = nowMs) => {
    const next = new Configuration(sampleSnapshot({ agents: [sampleAgent('bot', agent)] }));
    const result = confirmIdentity(identity, next, atMs);
    return result.kind === 'identity' ? result.agent : result.code;
  };

  it('keeps the identity while nothing changed', () => {
    expect(confirmIdentity(identity, configuration, nowMs)).toBe(identity);
  });

  it('gives the agent as it is now', () => {
    expect(confirm({ labels: { team: 'red' }, tokens: bot.tokens })).toMatchObject({ labels: { team: 'red' } });
  });

  it.each([
    ['its token was rotated', { tokens: [{ hash: hashOf('t-new'), expiresAtMs: undefined }] }],
    ['its agent was disabled', { isDisabled: true, tokens: bot.tokens }],
    ['its token expired meanwhile', { tokens: [{ hash: hashOf('t-bot'), expiresAtMs: nowMs }] }],
  ])('ends it when %s', (_name, agent) => {
    expect(confirm(agent)).toBe('PROXY_AUTH_INVALID');
  });

  it('ends it when the agent is gone', () => {
    expect(confirmIdentity(identity, new Configuration(sampleSnapshot({})), nowMs)).toMatchObject({
      code: 'PROXY_AUTH_INVALID',
    });
  });
});
