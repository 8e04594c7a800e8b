import type { Feature } from '../../app/feature.ts';

export const map: Feature = {
  links: [{ group: 'access', path: '/map', name: 'Access map', reads: 'policy:read' }],
  screens: { '/map': async () => (await import('./map-screen.tsx')).MapScreen },
};
