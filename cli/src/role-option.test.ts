import { describe, expect, it } from 'vitest';
import { collectRole, formatRoles } from './role-option.ts';

describe('collectRole', () => {
  it('reads roles with and without environments, and writes them the same way', () => {
    const roles = collectRole('operator@staging, dev', collectRole('auditor'));
    expect(roles).toEqual([
      { role: 'auditor', environments: ['*'] },
      { role: 'operator', environments: ['staging', 'dev'] },
    ]);
    expect(formatRoles(roles)).toBe('auditor operator@staging,dev');
  });

  it.each(['', '@prod', 'admin@', 'admin@a,,b', 'admin@a@b'])('refuses %j', (text) => {
    expect(() => collectRole(text)).toThrow('expected role');
  });
});
