/** Every action that a principal can take. */
const all = [
  'secret:read',
  'secret:create',
  'secret:update',
  'secret:rotate',
  'secret:delete',
  'agent:read',
  'agent:create',
  'agent:update',
  'agent:rotate',
  'agent:delete',
  'policy:read',
  'policy:create',
  'policy:update',
  'policy:delete',
  'route:read',
  'route:create',
  'route:update',
  'route:delete',
  'audit:read',
  'worker:read',
] as const;

export type Action = (typeof all)[number];
export type Role = 'owner' | 'admin' | 'operator' | 'auditor' | 'agent-manager';

const reads = all.filter((action) => action.endsWith(':read'));

/** What each role may do. Values of secrets are in none: no action gives them out. */
export const roleActions: Readonly<Record<Role, ReadonlySet<Action>>> = {
  owner: new Set(all),
  admin: new Set(all),
  operator: new Set<Action>([...reads, 'secret:update', 'secret:rotate', 'agent:update', 'agent:rotate']),
  auditor: new Set(reads),
  'agent-manager': new Set(all.filter((action) => action.startsWith('agent:'))),
};
