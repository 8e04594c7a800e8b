import type { Feature } from '../../app/feature.ts';

export const keys: Feature = {
  links: [{ group: 'operations', path: '/keys', name: 'Keys', reads: 'keys:read' }],
  screens: { '/keys': async () => (await import('./keys-screen.tsx')).KeysScreen },
};
