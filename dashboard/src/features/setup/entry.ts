import type { Feature } from '../../app/feature.ts';

export const setup: Feature = {
  links: [{ group: 'administration', path: '/setup', name: 'Set up an agent' }],
  screens: { '/setup': async () => (await import('./setup-screen.tsx')).SetupScreen },
};
