import type { AgentIdentity } from '@onecli/shared/domain/identity';
import { tokenHash } from '@onecli/shared/vault/keyed-hash';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../proxy/answer.ts';
import { Configuration } from '../snapshot/configuration.ts';
import { sampleAgent, sampleSnapshot } from '../snapshot/testing/sample-snapshot.ts';
import { confirmIdentity, type Identity, identify } from './identify.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { JwtVerifier } from './jwt-verifier.ts';
import type { Peer, PeerCertificate } from './peer.ts';

const tokenPepper = Buffer.alloc(32, 7);
const nowMs = 1_000_000;
const never = (): never => {
  throw new Error('nothing is fetched here');
};
const jwts = new JwtVerifier(new IssuerKeys({ fetchText: never, log: pino({ enabled: false }) }));
const hashOf = (token: string) => tokenHash(tokenPepper, token).toString('hex');
const tokens = (...names: string[]) => names.map((name) => ({ hash: hashOf(name), expiresAtMs: undefined }));
const token: AgentIdentity = { kind: 'token', cidrs: [] };
const mesh = { kind: 'header' as const, name: 'x-agent', cidrs: ['10.9.0.0/16'] };
const agents = [
  sampleAgent('bot', { tokens: tokens('t-bot') }),
  sampleAgent('other', { tokens: tokens('t-other') }),
  sampleAgent('late', { tokens: [{ hash: hashOf('t-late'), expiresAtMs: nowMs }] }),
  sampleAgent('short', {
    tokens: tokens('t-short'),
    identities: [{ kind: 'token', expiresAtMs: nowMs + 10, cidrs: [] }],
  }),
  sampleAgent('off', { isDisabled: true, tokens: tokens('t-off') }),
  sampleAgent('colon', { tokens: tokens('a:b:c') }),
  sampleAgent('bound', {
    tokens: tokens('t-bound'),
    identities: [{ kind: 'token', cidrs: ['10.1.0.0/16', 'fd00::/8'] }],
  }),
  sampleAgent('tokenless', { tokens: tokens('t-tokenless'), identities: [] }),
  sampleAgent('certified', {
    identities: [
      { kind: 'mtls', by: 'commonName', name: 'certified' },
      { kind: 'mtls', by: 'uri', name: 'spiffe://example.org/certified' },
    ],
  }),
  sampleAgent('both', {
    tokens: tokens('t-both'),
    identities: [token, { kind: 'mtls', by: 'dnsName', name: 'both.example' }, { ...mesh, value: 'both' }],
  }),
  sampleAgent('meshed', { identities: [{ ...mesh, value: 'meshed' }] }),
  sampleAgent('office', { identities: [{ kind: 'source', cidrs: ['192.0.2.0/24'] }] }),
  sampleAgent('desk', { identities: [{ kind: 'source', cidrs: ['192.0.2.7/32'] }] }),
];
const configuration = new Configuration(sampleSnapshot({ agents }));
const anywhere: Peer = { source: '203.0.113.5', certificate: undefined };

function ask(headers: Record<string, string> | readonly string[], peer = anywhere, of = configuration, atMs = nowMs) {
  const pairs = Array.isArray(headers)
    ? headers.map((value: string) => ['Proxy-Authorization', value] as const)
    : Object.entries(headers as Record<string, string>);
  const list = pairs.map(([rawName, value]) => ({ name: rawName.toLowerCase(), rawName, value }));
  return identify({ tokenPepper, jwts }, peer, list, of, atMs) as Identity | Refusal;
}
const nameOf = (result: Identity | Refusal) => (result.kind === 'identity' ? result.agent.name : result.code);
const who = (...values: string[]) => nameOf(ask(values));
const encode = (text: string) => Buffer.from(text).toString('base64');
const basic = (text: string) => `Basic ${encode(text)}`;
const trusted = (...names: string[]) => ({
  kind: 'trusted' as const,
  names,
  expiresAtMs: nowMs + 1000,
  issuer: undefined,
});

describe('identify by token', () => {
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
    const value = basic('bot:t-bot');
    expect(ask({ authorization: value, 'x-proxy-authorization': value })).toMatchObject({
      code: 'PROXY_AUTH_REQUIRED',
    });
  });

  it.each([
    ['an unknown token', basic('bot:t-none')],
    ['an expired token', basic('late:t-late')],
    ['a disabled agent', basic('off:t-off')],
    ['a token of an agent that is not known by one', basic('tokenless:t-tokenless')],
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

  it.each([
    ['10.1.2.3', 'bound'],
    ['fd12::1', 'bound'],
    ['10.2.0.1', 'PROXY_AUTH_INVALID'],
    [undefined, 'PROXY_AUTH_INVALID'],
  ])('takes a token that is bound to ranges from %s for %s', (source, result) => {
    expect(nameOf(ask([basic('bound:t-bound')], { source, certificate: undefined }))).toBe(result);
  });

  it('never says what it was given', () => {
    for (const value of [basic('bot:sk-canary'), 'Bearer sk-canary', basic('other:t-bot')])
      expect(JSON.stringify(ask([value]))).not.toMatch(/canary|t-bot|Ym90/);
  });
});

describe('identify by certificate, header and source', () => {
  it('recognises any name of a trusted certificate', () => {
    for (const name of ['commonName certified', 'uri spiffe://example.org/certified'])
      expect(nameOf(ask([], { ...anywhere, certificate: trusted('dnsName x', name) }))).toBe('certified');
  });

  it('does not take one kind of name for another', () => {
    expect(nameOf(ask([], { ...anywhere, certificate: trusted('dnsName certified') }))).toBe('PROXY_AUTH_REQUIRED');
  });

  it('refuses an untrusted and an expired certificate, whatever else is presented', () => {
    const expired: PeerCertificate = { ...trusted('commonName certified'), expiresAtMs: nowMs };
    for (const certificate of [{ kind: 'untrusted' } as const, expired]) {
      expect(nameOf(ask([], { ...anywhere, certificate }))).toBe('PROXY_AUTH_INVALID');
      expect(nameOf(ask([basic('bot:t-bot')], { ...anywhere, certificate }))).toBe('PROXY_AUTH_INVALID');
    }
  });

  it('ends what came in by a certificate whose authority was retired, without another revision', () => {
    const issuer = { isWithdrawn: false };
    const certificate = { ...trusted('commonName certified'), issuer };
    const identity = ask([], { ...anywhere, certificate });
    if (identity.kind !== 'identity') throw new Error(identity.code);
    expect(confirmIdentity(identity, configuration, nowMs)).toBe(identity);
    issuer.isWithdrawn = true;
    expect(confirmIdentity(identity, configuration, nowMs)).toMatchObject({ code: 'PROXY_AUTH_INVALID' });
    expect(nameOf(ask([], { ...anywhere, certificate }))).toBe('PROXY_AUTH_INVALID');
  });

  it('lets a certificate of no agent stand beside a token', () => {
    expect(nameOf(ask([basic('bot:t-bot')], { ...anywhere, certificate: trusted('commonName node-1') }))).toBe('bot');
  });

  it('believes a header from its ranges alone', () => {
    const from = (source: string | undefined) =>
      nameOf(ask({ 'X-Agent': 'meshed' }, { source, certificate: undefined }));
    expect(from('10.9.1.1')).toBe('meshed');
    expect(from('10.8.1.1')).toBe('PROXY_AUTH_REQUIRED');
    expect(from(undefined)).toBe('PROXY_AUTH_REQUIRED');
  });

  it('knows the narrowest range around a source', () => {
    expect(nameOf(ask([], { source: '192.0.2.8', certificate: undefined }))).toBe('office');
    expect(nameOf(ask([], { source: '192.0.2.7', certificate: undefined }))).toBe('desk');
    expect(nameOf(ask([], { source: undefined, certificate: undefined }))).toBe('PROXY_AUTH_REQUIRED');
  });

  it('takes three identities that agree', () => {
    const peer: Peer = { source: '10.9.0.1', certificate: trusted('dnsName both.example') };
    expect(nameOf(ask({ 'Proxy-Authorization': basic('x:t-both'), 'X-Agent': 'both' }, peer))).toBe('both');
  });

  it.each<[string, Record<string, string>, Peer]>([
    [
      'token and certificate',
      { 'Proxy-Authorization': basic('x:t-bot') },
      { ...anywhere, certificate: trusted('commonName certified') },
    ],
    [
      'token and header',
      { 'Proxy-Authorization': basic('x:t-bot'), 'X-Agent': 'meshed' },
      { source: '10.9.0.1', certificate: undefined },
    ],
    ['token and source', { 'Proxy-Authorization': basic('x:t-bot') }, { source: '192.0.2.7', certificate: undefined }],
    [
      'two names of a certificate',
      {},
      { ...anywhere, certificate: trusted('commonName certified', 'dnsName both.example') },
    ],
    ['certificate and source', {}, { source: '192.0.2.7', certificate: trusted('commonName certified') }],
  ])('refuses %s of different agents', (_name, headers, peer) => {
    expect(nameOf(ask(headers, peer))).toBe('IDENTITY_CONFLICT');
  });
});

describe('confirmIdentity', () => {
  const bot = agents[0] ?? sampleAgent('bot');
  const known = (result: Identity | Refusal): Identity => {
    if (result.kind === 'refused') throw new Error(result.message);
    return result;
  };
  const identity = known(ask([basic('bot:t-bot')]));
  const confirm = (before: Identity, agent: Parameters<typeof sampleAgent>[1], name = before.agent.name) => {
    const next = new Configuration(sampleSnapshot({ revision: 2, agents: [sampleAgent(name, agent)] }));
    return confirmIdentity(before, next, nowMs);
  };

  it('keeps the identity while nothing changed', () => {
    expect(confirmIdentity(identity, configuration, nowMs)).toBe(identity);
  });

  it('gives the agent as it is now', () => {
    const after = confirm(identity, { labels: { team: 'red' }, tokens: bot.tokens });
    expect(after).toMatchObject({ agent: { labels: { team: 'red' } }, revision: 2 });
  });

  it('does not take another configuration for the one that it knows by its revision', () => {
    const restored = (agent: Parameters<typeof sampleAgent>[1]): Configuration =>
      new Configuration(sampleSnapshot({ revision: identity.revision, agents: [sampleAgent(bot.name, agent)] }));
    const disabled = restored({ isDisabled: true, tokens: bot.tokens });
    expect(confirmIdentity(identity, disabled, nowMs)).toMatchObject({ code: 'PROXY_AUTH_INVALID' });
    const relabelled = restored({ labels: { team: 'red' }, tokens: bot.tokens });
    expect(confirmIdentity(identity, relabelled, nowMs)).toMatchObject({ agent: { labels: { team: 'red' } } });
  });

  it.each([
    ['its token was rotated', { tokens: tokens('t-new') }],
    ['its agent was disabled', { isDisabled: true, tokens: bot.tokens }],
    ['its token expires now', { tokens: [{ hash: hashOf('t-bot'), expiresAtMs: nowMs }] }],
    [
      'its token is bound to other ranges now',
      { tokens: bot.tokens, identities: [{ ...token, cidrs: ['10.0.0.0/8'] }] },
    ],
    ['its agent is not known by a token any more', { tokens: bot.tokens, identities: [] }],
  ])('ends it when %s', (_name, agent) => {
    expect(confirm(identity, agent)).toMatchObject({ code: 'PROXY_AUTH_INVALID' });
  });

  it('ends it when the agent is gone, or another has its identity', () => {
    const gone = new Configuration(sampleSnapshot({ revision: 2 }));
    expect(confirmIdentity(identity, gone, nowMs)).toMatchObject({ code: 'PROXY_AUTH_INVALID' });
    expect(confirm(identity, { tokens: bot.tokens }, 'heir')).toMatchObject({ code: 'PROXY_AUTH_INVALID' });
  });

  it('ends it in the millisecond in which its token or certificate expires, with no change of the configuration', () => {
    const short = known(ask([basic('short:t-short')]));
    expect(confirmIdentity(short, configuration, nowMs + 9)).toBe(short);
    expect(confirmIdentity(short, configuration, nowMs + 10)).toMatchObject({ code: 'PROXY_AUTH_INVALID' });
    const certified = known(ask([], { ...anywhere, certificate: trusted('commonName certified') }));
    expect(confirmIdentity(certified, configuration, nowMs + 999)).toBe(certified);
    expect(confirmIdentity(certified, configuration, nowMs + 1000)).toMatchObject({ code: 'PROXY_AUTH_INVALID' });
  });

  it.each<[string, Peer, Record<string, string>]>([
    ['certificate', { ...anywhere, certificate: trusted('commonName certified') }, {}],
    ['header', { source: '10.9.0.1', certificate: undefined }, { 'x-agent': 'meshed' }],
    ['source', { source: '192.0.2.7', certificate: undefined }, {}],
  ])('ends it when its %s is taken away', (_name, peer, headers) => {
    const before = known(ask(headers, peer));
    expect(confirm(before, { identities: before.agent.identities })).toMatchObject({ kind: 'identity', revision: 2 });
    expect(confirm(before, { identities: [] })).toMatchObject({ code: 'PROXY_AUTH_INVALID' });
  });
});
