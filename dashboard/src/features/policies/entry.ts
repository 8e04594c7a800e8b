import type { Feature } from '../../app/feature.ts';

export const policies: Feature = {
  links: [{ group: 'access', path: '/policies', name: 'Policies', reads: 'policy:read' }],
  screens: {
    '/policies': async () => (await import('./policy-list-screen.tsx')).PolicyListScreen,
    '/policies/:name': async () => (await import('./policy-screen.tsx')).PolicyScreen,
    '/new/policy': async () => (await import('./new-policy-screen.tsx')).NewPolicyScreen,
    '/new/rule': async () => (await import('./allow-screen.tsx')).AllowScreen,
  },
};
