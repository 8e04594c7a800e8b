import type { Feature } from '../../app/feature.ts';

export const settings: Feature = {
  links: [{ group: 'administration', path: '/settings', name: 'Settings' }],
  screens: { '/settings': async () => (await import('./settings-screen.tsx')).SettingsScreen },
};
