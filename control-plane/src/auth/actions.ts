/**
 * Where an action belongs, which decides what a role that is limited to some environments may do of it:
 * - `environment`: to the environment of the secrets that it touches. Without one it needs the role in every environment.
 * - `instance`: to the whole instance. It needs the role in every environment.
 * - `anywhere`: it shows or changes nothing of an environment. A role in any environment is enough.
 */
type ActionScope = 'environment' | 'instance' | 'anywhere';

/** Every action that a principal can take, and where it belongs. */
const scopes = {
  'secret:read': 'environment',
  'secret:create': 'environment',
  'secret:update': 'environment',
  'secret:rotate': 'environment',
  'secret:delete': 'environment',
  'rotation:read': 'environment',
  'rotation:update': 'environment',
  'rotation:delete': 'environment',
  'rotation:run': 'environment',
  'policy:read': 'environment',
  'policy:create': 'environment',
  'policy:update': 'environment',
  'policy:delete': 'environment',
  'approval:read': 'environment',
  'approval:decide': 'environment',
  'route:read': 'environment',
  // A route takes the place of whatever credential an agent sent: it acts on agents of every environment.
  'route:create': 'instance',
  'route:update': 'instance',
  'route:delete': 'instance',
  'audit:read': 'environment',
  // With it links of the trail can be made that fit: held by owners alone.
  'audit:export-key': 'instance',
  // An agent may hold grants of every environment: who gives out its token gives out those.
  'agent:read': 'anywhere',
  'agent:create': 'instance',
  'agent:update': 'instance',
  'agent:rotate': 'instance',
  'agent:delete': 'instance',
  'worker:read': 'anywhere',
  // Whoever says that a worker is gone says that what it has applied is of no more account.
  'worker:forget': 'instance',
  'keys:read': 'instance',
  'keys:rotate': 'instance',
  'authority:read': 'instance',
  'authority:rotate': 'instance',
  'authority:import': 'instance',
  'admin-event:read': 'environment',
  'user:read': 'instance',
  'user:create': 'instance',
  'user:update': 'instance',
  'user:delete': 'instance',
  // Of all users; one's own come with `own:…`.
  'session:read': 'instance',
  'session:revoke': 'instance',
  'api-key:read': 'instance',
  'api-key:revoke': 'instance',
  'own:password': 'anywhere',
  'own:session': 'anywhere',
  'own:api-key': 'anywhere',
  // Held by owners alone: who does not hold it cannot make an owner, or touch one.
  'instance:own': 'instance',
  'backup:create': 'instance',
  'backup:confirm': 'instance',
  'support-bundle:create': 'instance',
} as const satisfies Record<string, ActionScope>;

export type Action = keyof typeof scopes;
export const roles = ['owner', 'admin', 'operator', 'auditor', 'agent-manager'] as const;
export type Role = (typeof roles)[number];

/** All actions, in the order in which they are told. */
export const actions = Object.keys(scopes) as readonly Action[];
const reads = actions.filter((action) => action.endsWith(':read'));
const own = actions.filter((action) => action.startsWith('own:'));
/** What only owners may do. */
const ownersOnly: readonly Action[] = ['instance:own', 'audit:export-key'];
/** Of who may come in, and with what: for those who manage the instance, and those who check it. */
const ofPrincipals = actions.filter((action) => /^(?:user|session|api-key):/.test(action));

/** Where an action belongs. */
export function scopeOf(action: Action): ActionScope {
  return scopes[action];
}

/** What each role may do. Values of secrets are in none: no action gives them out. */
export const roleActions: Readonly<Record<Role, ReadonlySet<Action>>> = {
  owner: new Set(actions),
  admin: new Set(actions.filter((action) => !ownersOnly.includes(action))),
  operator: new Set<Action>([
    ...reads.filter((action) => !ofPrincipals.includes(action)),
    'secret:update',
    'secret:rotate',
    'rotation:run',
    'approval:decide',
    'agent:update',
    'agent:rotate',
    ...own,
  ]),
  auditor: new Set([...reads, ...own]),
  'agent-manager': new Set([...actions.filter((action) => action.startsWith('agent:')), ...own]),
};
