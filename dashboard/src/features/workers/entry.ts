import type { Feature } from '../../app/feature.ts';

export const workers: Feature = {
  links: [{ group: 'operations', path: '/workers', name: 'Workers', reads: 'worker:read' }],
  screens: { '/workers': async () => (await import('./workers-screen.tsx')).WorkersScreen },
};
