import type { Feature } from '../../app/feature.ts';
import { setupActions } from './setup-actions.ts';

export const setup: Feature = {
  links: [{ group: 'administration', path: '/setup', name: 'Set up an agent', takes: setupActions }],
  screens: { '/setup': async () => (await import('./setup-screen.tsx')).SetupScreen },
};
