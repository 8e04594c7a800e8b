import type { Binding } from '@onecli/shared/domain/binding';
import type { SecretRecord } from '@onecli/shared/domain/snapshot';
import { describe, expect, it, vi } from 'vitest';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import type { Header } from '../wire/head.ts';
import { SecretOpener } from './open-secret.ts';
import type { PlacementScope } from './placement-scope.ts';
import { type Placement, placeCredentials } from './place-credentials.ts';

const canary = 'sk-canary-41d8';
const older = 'sk-canary-old7';
const keyring = newKeyring();
const both: Binding = {
  hosts: ['api.example.com', '*.wild.example.com', 'ported.example.com:8443'],
  surfaces: ['header', 'basic'],
};
const openai = sealedSecret(keyring, { name: 'prod/openai', values: [older, canary], binding: both });
const user = sealedSecret(keyring, { name: 'prod/user', values: ['me'], binding: both });
const accented = sealedSecret(keyring, { name: 'prod/accented', values: ['pä§€'], binding: both });
const broken = sealedSecret(keyring, { name: 'prod/broken', values: ['a\r\nInjected: b'], binding: both });
const disabled = sealedSecret(keyring, { name: 'prod/disabled', values: ['x'], binding: both, isDisabled: true });
const headerOnly = sealedSecret(keyring, {
  name: 'prod/header-only',
  values: ['h'],
  binding: { hosts: ['api.example.com'], surfaces: ['header'] },
});
const basicOnly = sealedSecret(keyring, {
  name: 'prod/basic-only',
  values: ['b'],
  binding: { hosts: ['api.example.com'], surfaces: ['basic'] },
});
const unbound = sealedSecret(keyring, { name: 'prod/unbound', values: ['u'], binding: { hosts: [], surfaces: [] } });
const all = [openai, user, accented, broken, disabled, headerOnly, basicOnly, unbound];

interface Change extends Partial<Omit<PlacementScope, 'configuration' | 'grants'>> {
  readonly secrets?: readonly SecretRecord[];
  readonly grants?: readonly string[];
  readonly target?: string;
}

function place(headers: Readonly<Record<string, string>>, change: Change = {}): Placement {
  const secrets = change.secrets ?? all;
  const scope: PlacementScope = {
    configuration: new Configuration(sampleSnapshot({ secrets })),
    grants: new Set(change.grants ?? secrets.map(({ name }) => name)),
    host: change.host ?? 'api.example.com',
    port: change.port ?? 443,
    isSecure: change.isSecure ?? true,
  };
  const list = Object.entries(headers).map(
    ([rawName, value]): Header => ({ name: rawName.toLowerCase(), rawName, value }),
  );
  return placeCredentials(list, change.target ?? '/v1/models', scope, new SecretOpener(keyring));
}

/** What left, as the audit trail names it. */
function left(placement: Placement): string[] {
  if (placement.kind !== 'placed') throw new Error(placement.kind);
  return placement.used.map(({ secret, version }) => `${secret.name}@${version.version}`);
}

function values(placement: Placement): string[] {
  if (placement.kind !== 'placed') throw new Error(placement.kind);
  return placement.headers.map(({ value }) => value);
}

const refused = (kind: string, where: string) => ({ kind: 'refused', finding: { kind, place: where } });
const notBound = (where: string) => refused('PLACEHOLDER_NOT_BOUND', where);
const notGranted = (where: string) => refused('PLACEHOLDER_NOT_GRANTED', where);
const encode = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('base64');
const decode = (value: string) => Buffer.from(value.replace(/^basic +/i, ''), 'base64');

describe('placeCredentials in headers', () => {
  it('replaces the placeholder, and tells which version left and where', () => {
    const placement = place({ Authorization: 'Bearer onecli://prod/openai', Accept: '*/*' });
    expect(values(placement)).toEqual([`Bearer ${canary}`, '*/*']);
    expect(left(placement)).toEqual(['prod/openai@2']);
    expect(placement).toMatchObject({ surfaces: ['header'], target: '/v1/models', readings: undefined });
  });

  it('leaves a request without placeholders as it is', () => {
    const headers = { Authorization: `Basic ${encode('a:b')}`, 'X-Note': 'onecli: //prod/openai ONECLI://prod/openai' };
    expect(values(place(headers))).toEqual(Object.values(headers));
    expect(place(headers)).toMatchObject({ used: [], surfaces: [] });
  });

  it('keeps the names of headers as they were written', () => {
    const placement = place({ 'x-API-Key': 'onecli://prod/openai' });
    expect(placement).toMatchObject({ headers: [{ name: 'x-api-key', rawName: 'x-API-Key', value: canary }] });
  });

  it('replaces several in one value, and the same one twice', () => {
    const value = 'a=onecli://prod/user;b=onecli://prod/openai,c=onecli://prod/user';
    const placement = place({ 'X-Keys': value });
    expect(values(placement)).toEqual([`a=me;b=${canary},c=me`]);
    expect(left(placement)).toEqual(['prod/user@1', 'prod/openai@2']);
  });

  it('places a pinned version, and refuses one that is not there or not in its one form', () => {
    expect(values(place({ Key: 'onecli://prod/openai@1' }))).toEqual([older]);
    for (const version of ['', '0', '3', '01', 'x', '1x', '0000000011', '9999999999'])
      expect(place({ Key: `onecli://prod/openai@${version}` })).toEqual(notGranted('key'));
  });

  it('sends a value that is not ASCII as its UTF-8 bytes', () => {
    const [value = ''] = values(place({ Key: 'onecli://prod/accented' }));
    expect(Buffer.from(value, 'latin1').toString('utf8')).toBe('pä§€');
  });

  it('refuses a header that holds a placeholder and is there twice, whichever of the two holds it', () => {
    const twice = { Key: 'onecli://prod/openai', key: 'other', Accept: 'a', accept: 'b' };
    expect(place(twice)).toEqual({ kind: 'ambiguous', header: 'key' });
    expect(place({ key: 'other', Key: 'onecli://prod/openai' })).toEqual({ kind: 'ambiguous', header: 'key' });
    expect(place({ Key: 'onecli://prod/openai', key: 'onecli://prod/none' })).toEqual(notGranted('key'));
  });

  it('does not replace a placeholder that a replacement brought in', () => {
    const nested = sealedSecret(keyring, { name: 'prod/nested', values: ['onecli://prod/openai'], binding: both });
    expect(values(place({ Key: 'onecli://prod/nested' }, { secrets: [nested, openai] }))).toEqual([
      'onecli://prod/openai',
    ]);
  });

  it('takes no pattern of String.replace in a value for one', () => {
    const odd = sealedSecret(keyring, { name: 'prod/odd', values: ["$&$1$$$'"], binding: both });
    expect(values(place({ Key: 'a onecli://prod/odd b' }, { secrets: [odd] }))).toEqual(["a $&$1$$$' b"]);
  });
});

describe('placeCredentials and where a secret is bound', () => {
  const key = { Key: 'onecli://prod/openai' };

  it.each([
    ['another host', { host: 'evil.example.net' }],
    ['a name below the host', { host: 'a.api.example.com' }],
    ['the base of a wildcard', { host: 'wild.example.com' }],
    ['another port', { port: 8443 }],
    ['port 80', { port: 80 }],
    ['the default port of a host that is bound with a port', { host: 'ported.example.com' }],
    ['a connection without TLS', { isSecure: false }],
  ])('refuses %s', (_name, change) => {
    expect(place(key, change)).toEqual(notBound('key'));
  });

  it.each([
    ['below a wildcard', { host: 'a.b.wild.example.com' }],
    ['at the port it is bound with', { host: 'ported.example.com', port: 8443 }],
  ])('places %s', (_name, change) => {
    expect(values(place(key, change))).toEqual([canary]);
  });

  it('tells header and Basic apart', () => {
    const inBasic = (name: string) => ({ Authorization: `Basic ${encode(`u:onecli://prod/${name}`)}` });
    expect(place({ Authorization: 'Bearer onecli://prod/basic-only' })).toEqual(notBound('authorization'));
    expect(place(inBasic('header-only'))).toEqual(notBound('authorization'));
    expect(decode(values(place(inBasic('basic-only')))[0] ?? '').toString()).toBe('u:b');
    expect(values(place({ Key: 'onecli://prod/header-only' }))).toEqual(['h']);
  });

  it('never uses a secret that is bound nowhere', () => {
    expect(place({ Key: 'onecli://prod/unbound' })).toEqual(notBound('key'));
  });

  it('never uses a secret whose binding cannot be read', () => {
    const wide = sealedSecret(keyring, {
      name: 'prod/wide',
      values: ['x'],
      binding: { hosts: ['*', '*.com', 'https://api.example.com'], surfaces: ['header'] },
    });
    expect(place({ Key: 'onecli://prod/wide' }, { secrets: [wide] })).toEqual(notBound('key'));
  });
});

describe('placeCredentials and what is granted', () => {
  it.each([
    ['one that does not exist', 'onecli://prod/none', all.map(({ name }) => name)],
    ['one that does not exist though a rule names it', 'onecli://prod/none', ['prod/none']],
    ['one that is not granted', 'onecli://prod/openai', ['prod/user']],
    ['one that is disabled', 'onecli://prod/disabled', ['prod/disabled']],
    ['a version that is not there', 'onecli://prod/openai@77', ['prod/openai']],
    ['one whose name goes on', 'onecli://prod/openai.', ['prod/openai']],
    ['one without a name', 'onecli://', ['prod/openai']],
    ['one in upper case', 'onecli://PROD/openai', ['prod/openai']],
    ['one that every object has', 'onecli://constructor/prototype', ['constructor/prototype']],
  ])('says the same of %s', (_name, placeholder, grants) => {
    expect(place({ Key: placeholder }, { grants })).toEqual(notGranted('key'));
    // Nor do a wrong host, a cleartext connection or the target tell which one exists.
    expect(place({ Key: placeholder }, { grants, host: 'evil.example.net' })).toEqual(notGranted('key'));
    expect(place({ Key: placeholder }, { grants, isSecure: false })).toEqual(notGranted('key'));
    expect(place({}, { grants, target: `/v1?key=${placeholder}` })).toEqual(notGranted('target'));
  });

  it('refuses the whole request for one placeholder that may not be replaced, and opens nothing', () => {
    const altered = withFlippedBit(openai);
    const headers = { A: 'onecli://prod/openai', B: 'onecli://prod/none' };
    expect(place(headers, { secrets: [altered] })).toEqual(notGranted('b'));
    expect(place({ A: 'onecli://prod/openai onecli://prod/none' }, { secrets: [altered] })).toEqual(notGranted('a'));
  });
});

describe('placeCredentials in Basic credentials', () => {
  it.each(['Basic', 'basic', 'BASIC', 'bAsIc', 'Basic  '])('finds the placeholder after %j', (scheme) => {
    const [value = ''] = values(
      place({ Authorization: `${scheme} ${encode('onecli://prod/user:onecli://prod/openai')}` }),
    );
    expect(value).toMatch(/^Basic [A-Za-z0-9+/]+=*$/);
    expect(decode(value).toString()).toBe(`me:${canary}`);
  });

  it.each([
    ['without padding', (text: string) => encode(text).replace(/=+$/, '')],
    ['in the URL alphabet', (text: string) => Buffer.from(text).toString('base64url')],
    ['with too much padding', (text: string) => `${encode(text)}==`],
    ['in two padded parts', (text: string) => encode(text)],
  ])('finds it in base64 %s', (_name, write) => {
    const [value = ''] = values(place({ Authorization: `Basic ${write('x??>:onecli://prod/openai')}` }));
    expect(decode(value).toString()).toBe(`x??>:${canary}`);
  });

  it('does not touch the bytes around it, whatever their charset', () => {
    const around = Buffer.from('j\xfcrgen:onecli://prod/openai', 'latin1').toString('base64');
    const [value = ''] = values(place({ Authorization: `Basic ${around}` }));
    expect(decode(value).toString('latin1')).toBe(`j\xfcrgen:${canary}`);
  });

  it('puts a value that is not ASCII in as UTF-8', () => {
    const [value = ''] = values(place({ Authorization: `Basic ${encode('ü:onecli://prod/accented')}` }));
    expect(decode(value).toString('utf8')).toBe('ü:pä§€');
  });

  it('counts as the surface header what only looks like Basic', () => {
    expect(values(place({ Authorization: 'Basic onecli://prod/openai' }))).toEqual([`Basic ${canary}`]);
    expect(values(place({ 'X-Authorization': `Basic ${encode('u:onecli://prod/openai')}` }))).toEqual([
      `Basic ${encode('u:onecli://prod/openai')}`,
    ]);
  });
});

describe('placeCredentials in the target', () => {
  const percent = (text: string) => text.replace(/[:/]/g, encodeURIComponent);

  it.each([
    ['raw in the query', '/v1?key=onecli://prod/openai'],
    ['raw in the path', '/onecli://prod/openai'],
    ['percent-encoded', `/v1?key=${percent('onecli://prod/openai')}`],
    ['percent-encoded in lower case', '/v1?key=onecli%3a%2f%2fprod%2fopenai'],
    [
      'each letter percent-encoded',
      `/v1?key=${Array.from('onecli://prod/openai', (c) => `%${c.charCodeAt(0).toString(16)}`).join('')}`,
    ],
    ['percent-encoded twice', `/v1?key=${encodeURIComponent(percent('onecli://prod/openai'))}`],
    ['next to a bad escape', '/v1?x=%zz&key=onecli%3A%2F%2Fprod%2Fopenai'],
  ])('refuses one that stands there %s', (_name, target) => {
    expect(place({}, { target })).toEqual(notBound('target'));
    expect(place({ Key: 'onecli://prod/openai' }, { target })).toEqual(notBound('target'));
    expect(place({}, { target, grants: [] })).toEqual(notGranted('target'));
  });

  it('takes an ordinary target for what it is', () => {
    expect(place({}, { target: '/v1?q=onecli&r=%3A%2F%2F%25' })).toMatchObject({ kind: 'placed' });
  });
});

function withFlippedBit(secret: SecretRecord): SecretRecord {
  const versions = [...secret.versions.values()].map((version) => {
    const sealed = Buffer.from(version.sealed);
    sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
    return [version.version, { ...version, sealed }] as const;
  });
  return { ...secret, versions: new Map(versions) };
}

function renumbered(secret: SecretRecord, from: number, to: number): SecretRecord {
  const row = secret.versions.get(from);
  return { ...secret, versions: new Map(row ? [[to, { ...row, version: to }]] : []) };
}

describe('placeCredentials and rows that were altered', () => {
  const rows: readonly (readonly [string, SecretRecord])[] = [
    ['one bit flipped', withFlippedBit(openai)],
    ['a binding that was widened', { ...openai, binding: { ...both, hosts: [...both.hosts, 'evil.example.net'] } }],
    ['a value under another secret’s id', { ...openai, id: user.id }],
    ['a version under another number', renumbered(openai, 1, 2)],
  ];

  it.each(rows)('does not open %s', (_name, row) => {
    const placement = place({ Key: 'onecli://prod/openai' }, { secrets: [row] });
    expect(placement).toMatchObject({ kind: 'unavailable', cause: { code: 'CANNOT_OPEN' } });
  });

  it('sends nothing when the second of two does not open', () => {
    const placement = place(
      { A: 'onecli://prod/user', B: 'onecli://prod/openai' },
      { secrets: [user, withFlippedBit(openai)] },
    );
    expect(placement.kind).toBe('unavailable');
    expect(placement).not.toHaveProperty('headers');
  });

  it.each(['header', 'basic'])('never puts a line break into a %s', (surface) => {
    const value = surface === 'basic' ? `Basic ${encode('u:onecli://prod/broken')}` : 'onecli://prod/broken';
    const placement = place({ Authorization: value });
    expect(placement).toMatchObject({ kind: 'unavailable' });
    expect(String((placement as { cause?: unknown }).cause)).not.toContain('Injected');
  });

  it('refuses a head with more placeholders than one may have, over all its fields, and opens none', () => {
    const many = (count: number) => Array.from({ length: count }, () => 'onecli://prod/openai').join(' ');
    expect(values(place({ 'x-a': many(50), 'x-b': many(50) }))[0]).toContain(canary);
    expect(place({ 'x-a': many(50), 'x-b': many(51) })).toEqual({ kind: 'excessive' });
  });

  it('refuses a secret from the moment on at which it expires, by its own clock, and says so only to who may use it', () => {
    const expiresAtMs = Date.UTC(2030, 0, 1);
    const secrets = [sealedSecret(keyring, { name: 'prod/short', values: [canary], binding: both, expiresAtMs })];
    const header = { Authorization: 'Bearer onecli://prod/short' };
    vi.useFakeTimers({ now: expiresAtMs - 1 });
    try {
      expect(left(place(header, { secrets }))).toEqual(['prod/short@1']);
      vi.setSystemTime(expiresAtMs);
      const finding = { kind: 'SECRET_EXPIRED', place: 'authorization' };
      expect(place(header, { secrets })).toEqual({ kind: 'refused', finding });
      const pinned = { Authorization: 'Bearer onecli://prod/short@1' };
      expect(place(pinned, { secrets })).toEqual({ kind: 'refused', finding });
      expect(place(header, { secrets, grants: [] })).toMatchObject({ finding: { kind: 'PLACEHOLDER_NOT_GRANTED' } });
      expect(place(header, { secrets, host: 'evil.example.com' })).toMatchObject({
        finding: { kind: 'PLACEHOLDER_NOT_BOUND' },
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it('takes the alias before a new one until its time is over', () => {
    const [alias, old] = [`sk-onecli7x${'n'.repeat(28)}`, `sk-onecli7x${'o'.repeat(28)}`];
    const untilMs = Date.UTC(2030, 0, 1);
    const secret = { name: 'prod/renamed', values: [canary], binding: both, alias };
    const secrets = [sealedSecret(keyring, { ...secret, previousAlias: { alias: old, untilMs } })];
    vi.useFakeTimers({ now: untilMs - 1 });
    try {
      for (const text of [alias, old])
        expect(left(place({ Authorization: `Bearer ${text}` }, { secrets }))).toEqual(['prod/renamed@1']);
      vi.setSystemTime(untilMs);
      expect(left(place({ Authorization: `Bearer ${alias}` }, { secrets }))).toEqual(['prod/renamed@1']);
      expect(place({ Authorization: `Bearer ${old}` }, { secrets })).toMatchObject({
        kind: 'refused',
        finding: { kind: 'PLACEHOLDER_NOT_GRANTED' },
      });
    } finally {
      vi.useRealTimers();
    }
  });
});
