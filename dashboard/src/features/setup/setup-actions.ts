/** What the set-up of an agent does, all of it or nothing. */
export const setupActions = ['secret:create', 'agent:create', 'policy:create'] as const;
