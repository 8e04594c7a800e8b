import { describe, expect, it } from 'vitest';
import { Fault, type FaultCode, faultOf } from './fault.ts';

const statuses: Partial<Record<FaultCode, number>> = {
  PROXY_AUTH_REQUIRED: 407,
  PROXY_AUTH_INVALID: 407,
  IDENTITY_CONFLICT: 407,
  POLICY_DENIED: 403,
  PLACEHOLDER_NOT_GRANTED: 403,
  PLACEHOLDER_NOT_BOUND: 403,
  ADDRESS_REFUSED: 403,
  BAD_REQUEST: 400,
  BAD_TARGET: 400,
  MISDIRECTED: 421,
  UPSTREAM_UNREACHABLE: 502,
  UPSTREAM_UNTRUSTED: 502,
  UPSTREAM_TIMEOUT: 504,
  UNAUTHENTICATED: 401,
  INVALID: 400,
  NAME_TAKEN: 409,
  TOO_LARGE: 413,
};

describe('fault', () => {
  it.each(Object.entries(statuses))('answers %s with %i', (code, status) => {
    expect(faultOf(code as FaultCode).status).toBe(status);
  });

  it('carries its code, field, cause, and what the table says', () => {
    const cause = new Error('the driver said so');
    const fault = new Fault('INVALID', 'name is not well-formed', { field: 'name', cause });
    expect(fault).toMatchObject({ name: 'Fault', code: 'INVALID', field: 'name', status: 400, cause });
    expect(fault.hint).toBe(faultOf('INVALID').hint);
    expect(fault).toBeInstanceOf(Error);
  });

  it('does not say its cause when it is written as JSON', () => {
    const fault = new Fault('INTERNAL', 'An unexpected fault.', { cause: new Error('sk-canary') });
    expect(JSON.stringify(fault)).not.toContain('sk-canary');
  });
});
