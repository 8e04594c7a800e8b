import type { Feature } from '../../app/feature.ts';

export const activity: Feature = {
  links: [{ group: 'traffic', path: '/activity', name: 'Activity', reads: 'audit:read' }],
  screens: { '/activity': async () => (await import('./activity-screen.tsx')).ActivityScreen },
};
