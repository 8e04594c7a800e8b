import type { Feature } from '../../app/feature.ts';

export const overview: Feature = {
  links: [{ group: 'top', path: '/', name: 'Overview' }],
  screens: { '/': async () => (await import('./home-screen.tsx')).HomeScreen },
};
