import { describe, expect, it } from 'vitest';
import { CliError } from './cli-error.ts';
import { parseIdentity } from './identity-option.ts';

const nowMs = Date.UTC(2026, 0, 1);

describe('parseIdentity', () => {
  it.each([
    ['token', { token: {} }],
    ['token:expires=90d', { token: { expiresAt: '2026-04-01T00:00:00.000Z' } }],
    [
      'token:expires=12h,from=10.1.0.0/16,fd00::/8',
      { token: { expiresAt: '2026-01-01T12:00:00.000Z', cidrs: ['10.1.0.0/16', 'fd00::/8'] } },
    ],
    [
      'token:from=10.1.0.0/16,fd00::/8,expires=12h',
      { token: { expiresAt: '2026-01-01T12:00:00.000Z', cidrs: ['10.1.0.0/16', 'fd00::/8'] } },
    ],
    ['header:from=10.2.0.0/24,X-Agent=ci', { header: { name: 'X-Agent', value: 'ci', cidrs: ['10.2.0.0/24'] } }],
    ['token:expires=2027-01-31T12:00:00Z', { token: { expiresAt: '2027-01-31T12:00:00.000Z' } }],
    ['cn:ci', { mtls: { commonName: 'ci' } }],
    ['dns:ci.example.com', { mtls: { dnsName: 'ci.example.com' } }],
    ['uri:spiffe://example.org/ci', { mtls: { uri: 'spiffe://example.org/ci' } }],
    ['source:10.1.2.3', { source: { cidrs: ['10.1.2.3'] } }],
    ['source:10.1.2.3,fd00::/8', { source: { cidrs: ['10.1.2.3', 'fd00::/8'] } }],
    ['header:X-Agent=ci=1,from=10.2.0.0/24', { header: { name: 'X-Agent', value: 'ci=1', cidrs: ['10.2.0.0/24'] } }],
    [
      'jwt:https://issuer.example:8443/a,aud=onecli,sub=spiffe://example.org/ci,jwks=https://keys.example/jwks',
      {
        jwt: {
          issuer: 'https://issuer.example:8443/a',
          audience: 'onecli',
          claims: { sub: 'spiffe://example.org/ci' },
          jwksUri: 'https://keys.example/jwks',
        },
      },
    ],
  ])('reads %s', (text, input) => {
    expect(parseIdentity(text, nowMs)).toEqual(input);
  });

  it.each([
    ['', 'no kind'],
    ['password:x', 'no kind "password"'],
    ['cn:', 'cn:NAME'],
    ['source:', 'source:ADDRESS'],
    ['token:form=10.0.0.0/8', 'no setting "form"'],
    ['token:expires=soon', 'expires has to be'],
    ['token:10.0.0.0/8', 'key=value'],
    ['header:x-agent=ci', 'from=ADDRESSES'],
    ['header:from=10.0.0.0/8', 'header:NAME=VALUE'],
    ['jwt:https://issuer.example', 'aud=AUDIENCE'],
  ])('refuses %j and says what it expects', (text, message) => {
    expect(() => parseIdentity(text, nowMs)).toThrow(CliError);
    expect(() => parseIdentity(text, nowMs)).toThrow(message);
  });
});
