import { Fault } from '@onecli/shared/fault';
import { describe, expect, it } from 'vitest';
import { type Action, type Role, actions, roles, scopeOf } from './actions.ts';
import { authorize, authorizeEach, authorizeList, mayAnywhere } from './authorize.ts';
import { type Assignment, type Principal, everywhere } from './principal.ts';

const having = (...assignments: Assignment[]): Principal => ({ kind: 'user', name: 'someone', assignments });
const limited = (role: Role, ...environments: string[]): Principal => having({ role, environments });

const isLet = (check: () => unknown): boolean => {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof Fault && error.code === 'FORBIDDEN') return false;
    throw error;
  }
};
const may = (role: Role, action: Action): boolean =>
  isLet(() => authorize(having(...everywhere(role)), action, 'prod'));

describe('authorize', () => {
  it('lets an owner do everything', () => {
    expect(actions.filter((action) => !may('owner', action))).toEqual([]);
  });

  it('lets an auditor read and nothing else', () => {
    expect(may('auditor', 'audit:read')).toBe(true);
    const writes = actions.filter((action) => may('auditor', action) && !action.endsWith(':read'));
    expect(writes).toEqual(['own:password', 'own:session', 'own:api-key']);
  });

  it('lets an operator rotate and not delete', () => {
    expect([may('operator', 'secret:rotate'), may('operator', 'secret:delete')]).toEqual([true, false]);
  });

  it('keeps secrets and policies from one who manages agents', () => {
    expect([may('agent-manager', 'agent:create'), may('agent-manager', 'secret:read')]).toEqual([true, false]);
    expect(may('agent-manager', 'policy:read')).toBe(false);
  });

  it('refuses a role that it does not know, and one who has none', () => {
    expect(may('superuser' as Role, 'secret:read')).toBe(false);
    expect(may('constructor' as Role, 'secret:read')).toBe(false);
    expect(isLet(() => authorize(having(), 'worker:read'))).toBe(false);
  });
});

describe('a role that is limited to environments', () => {
  it('holds there and nowhere else', () => {
    const admin = limited('admin', 'staging', 'dev');
    expect(isLet(() => authorize(admin, 'secret:delete', 'staging'))).toBe(true);
    expect(isLet(() => authorize(admin, 'secret:delete', 'dev'))).toBe(true);
    expect(isLet(() => authorize(admin, 'secret:delete', 'prod'))).toBe(false);
    expect(isLet(() => authorize(admin, 'secret:delete', '*'))).toBe(false);
    expect(isLet(() => authorize(admin, 'secret:delete', ''))).toBe(false);
  });

  it('is told what it may do somewhere: nothing that takes every environment, and nothing of an empty role', () => {
    const told = (principal: Principal) => actions.filter((action) => mayAnywhere(principal, action));
    expect(told(limited('admin', 'staging'))).toEqual(expect.arrayContaining(['secret:delete', 'agent:read']));
    expect(told(limited('admin', 'staging'))).not.toContain('agent:create');
    expect(told(having(...everywhere('admin')))).toContain('agent:create');
    expect(told(limited('admin'))).toEqual([]);
  });

  it('is not enough for what belongs to no environment, or to all', () => {
    const admin = limited('admin', 'staging');
    const without = actions.filter((action) => isLet(() => authorize(admin, action)));
    expect(without).toEqual(actions.filter((action) => scopeOf(action) === 'anywhere'));
    for (const role of roles) {
      const principal = limited(role, 'staging');
      const instance = actions.filter((action) => scopeOf(action) === 'instance');
      expect(instance.filter((action) => isLet(() => authorize(principal, action, 'staging')))).toEqual([]);
    }
  });

  it('adds to another, each where it holds', () => {
    const both = having({ role: 'admin', environments: ['staging'] }, { role: 'auditor', environments: ['prod'] });
    expect(isLet(() => authorize(both, 'secret:update', 'staging'))).toBe(true);
    expect(isLet(() => authorize(both, 'secret:read', 'prod'))).toBe(true);
    expect(isLet(() => authorize(both, 'secret:update', 'prod'))).toBe(false);
  });
});

describe('authorizeEach', () => {
  it('asks for every environment that is touched', () => {
    const admin = limited('admin', 'staging', 'dev');
    expect(isLet(() => authorizeEach(admin, 'policy:create', ['staging', 'dev']))).toBe(true);
    expect(isLet(() => authorizeEach(admin, 'policy:create', ['staging', 'prod']))).toBe(false);
    expect(isLet(() => authorizeEach(admin, 'policy:create', ['staging', '*']))).toBe(false);
  });
});

describe('authorizeList', () => {
  it('tells where a list may be read, and refuses one who may nowhere', () => {
    expect(authorizeList(limited('auditor', 'staging'), 'secret:read')).toEqual(new Set(['staging']));
    expect(authorizeList(having(...everywhere('auditor')), 'secret:read')).toBe('*');
    expect(isLet(() => authorizeList(limited('agent-manager', 'staging'), 'secret:read'))).toBe(false);
  });
});
