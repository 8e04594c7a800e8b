import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import { parseInput } from '../configuration/parse-input.ts';
import { newAgentInput } from './agent-input.ts';

function fieldRefused(input: unknown): string | undefined {
  try {
    parseInput(newAgentInput, input);
  } catch (error) {
    if (error instanceof Fault && error.code === 'INVALID') return error.field;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('newAgentInput', () => {
  it('gives an agent that names no identity a token', () => {
    expect(parseInput(newAgentInput, { name: 'a' })).toEqual({ name: 'a', labels: {}, identities: [{ token: {} }] });
  });

  it.each([
    ['a bad name', { name: 'A' }, 'name'],
    ['a name with a slash', { name: 'a/b' }, 'name'],
    ['labels as a list', { name: 'a', labels: ['x'] }, 'labels'],
    ['a label that is no text', { name: 'a', labels: { team: null } }, 'labels.team'],
    ['a label with a line break', { name: 'a', labels: { team: 'a\nb' } }, 'labels.team'],
    ['a label with half a character', { name: 'a', labels: { team: '\ud800' } }, 'labels.team'],
    ['a label whose key is odd', { name: 'a', labels: { 'a b': 'x' } }, 'labels.a b'],
    [
      '65 labels',
      { name: 'a', labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 'v'])) },
      'labels',
    ],
    ['no identity', { name: 'a', identities: [] }, 'identities'],
    ['an identity of no kind', { name: 'a', identities: [{}] }, 'identities[0]'],
    ['an unknown identity', { name: 'a', identities: [{ password: {} }] }, 'identities[0].password'],
    [
      'two kinds in one',
      { name: 'a', identities: [{ token: {}, source: { cidrs: ['10.0.0.0/8'] } }] },
      'identities[0]',
    ],
    ['two tokens', { name: 'a', identities: [{ token: {} }, { token: {} }] }, 'identities'],
    [
      'a token that has expired',
      { name: 'a', identities: [{ token: { expiresAt: '2020-01-01T00:00:00Z' } }] },
      'identities[0].token.expiresAt',
    ],
    ['a token with no range', { name: 'a', identities: [{ token: { cidrs: [] } }] }, 'identities[0].token.cidrs'],
    [
      'a range with a host',
      { name: 'a', identities: [{ source: { cidrs: ['10.1.2.3/8'] } }] },
      'identities[0].source.cidrs[0]',
    ],
    [
      'every address',
      { name: 'a', identities: [{ source: { cidrs: ['0.0.0.0/0'] } }] },
      'identities[0].source.cidrs[0]',
    ],
    ['a source without ranges', { name: 'a', identities: [{ source: {} }] }, 'identities[0].source.cidrs'],
    ['a certificate without a name', { name: 'a', identities: [{ mtls: {} }] }, 'identities[0].mtls'],
    [
      'a certificate with two names',
      { name: 'a', identities: [{ mtls: { commonName: 'a', dnsName: 'a' } }] },
      'identities[0].mtls',
    ],
    ['a wildcard name', { name: 'a', identities: [{ mtls: { dnsName: '*.example' } }] }, 'identities[0].mtls.dnsName'],
    ['a URI with a quote', { name: 'a', identities: [{ mtls: { uri: 'spiffe://a/"b' } }] }, 'identities[0].mtls.uri'],
    [
      'an issuer over http',
      { name: 'a', identities: [{ jwt: { issuer: 'http://i.example', audience: 'a' } }] },
      'identities[0].jwt.issuer',
    ],
    [
      'keys over http',
      {
        name: 'a',
        identities: [{ jwt: { issuer: 'https://i.example', audience: 'a', jwksUri: 'http://i.example/k' } }],
      },
      'identities[0].jwt.jwksUri',
    ],
    [
      'a JWT for anybody',
      { name: 'a', identities: [{ jwt: { issuer: 'https://i.example' } }] },
      'identities[0].jwt.audience',
    ],
    [
      'a claim that is judged by itself',
      { name: 'a', identities: [{ jwt: { issuer: 'https://i.example', audience: 'a', claims: { aud: 'b' } } }] },
      'identities[0].jwt.claims',
    ],
    [
      'a header without ranges',
      { name: 'a', identities: [{ header: { name: 'x-agent', value: 'a' } }] },
      'identities[0].header.cidrs',
    ],
    [
      'a header that means something else',
      { name: 'a', identities: [{ header: { name: 'Host', value: 'a', cidrs: ['10.0.0.0/8'] } }] },
      'identities[0].header.name',
    ],
    [
      'a header with a line break',
      { name: 'a', identities: [{ header: { name: 'x-agent', value: 'a\r\nb', cidrs: ['10.0.0.0/8'] } }] },
      'identities[0].header.value',
    ],
    ['a token with settings', { name: 'a', identities: [{ token: { value: 'oat_x' } }] }, 'identities[0].token.value'],
  ])('refuses %s and names the field', (_what, input, field) => {
    expect(fieldRefused(input)).toBe(field);
  });

  it('takes no label that would change an object’s prototype', () => {
    const { labels } = parseInput(newAgentInput, JSON.parse('{"name":"a","labels":{"__proto__":"x","team":"y"}}'));
    expect(Object.entries(labels)).toEqual([['team', 'y']]);
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
  });
});
