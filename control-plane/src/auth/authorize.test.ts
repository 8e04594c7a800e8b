import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import { type Action, type Role, roleActions } from './actions.ts';
import { authorize } from './authorize.ts';

const may = (role: Role, action: Action): boolean => {
  try {
    authorize({ kind: 'user', name: 'someone', role }, action, 'prod');
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === 'FORBIDDEN') return false;
    throw error;
  }
};

describe('authorize', () => {
  it('lets an owner do everything', () => {
    expect([...roleActions.owner].filter((action) => !may('owner', action))).toEqual([]);
  });

  it('lets an auditor read and nothing else', () => {
    expect(may('auditor', 'audit:read')).toBe(true);
    expect([...roleActions.owner].filter((action) => may('auditor', action) && !action.endsWith(':read'))).toEqual([]);
  });

  it('lets an operator rotate and not delete', () => {
    expect([may('operator', 'secret:rotate'), may('operator', 'secret:delete')]).toEqual([true, false]);
  });

  it('keeps secrets and policies from one who manages agents', () => {
    expect([may('agent-manager', 'agent:create'), may('agent-manager', 'secret:read')]).toEqual([true, false]);
    expect(may('agent-manager', 'policy:read')).toBe(false);
  });

  it('refuses a role that it does not know', () => {
    expect(may('superuser' as Role, 'secret:read')).toBe(false);
    expect(may('constructor' as Role, 'secret:read')).toBe(false);
  });
});
