import type { Feature } from '../../app/feature.ts';

export const findings: Feature = {
  links: [{ group: 'traffic', path: '/findings', name: 'Findings', reads: 'audit:read' }],
  screens: { '/findings': async () => (await import('./findings-screen.tsx')).FindingsScreen },
};
