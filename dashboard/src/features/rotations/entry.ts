import type { Feature } from '../../app/feature.ts';

export const rotations: Feature = {
  links: [{ group: 'access', path: '/rotations', name: 'Rotations', reads: 'rotation:read' }],
  screens: {
    '/rotations': async () => (await import('./rotation-list-screen.tsx')).RotationListScreen,
    '/rotations/:secret': async () => (await import('./rotation-screen.tsx')).RotationScreen,
    '/new/rotation': async () => (await import('./new-rotation-screen.tsx')).NewRotationScreen,
  },
};
