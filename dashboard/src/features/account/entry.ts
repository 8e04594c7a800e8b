import type { Feature } from '../../app/feature.ts';

export const account: Feature = {
  links: [{ group: 'administration', path: '/account', name: 'Your account' }],
  screens: { '/account': async () => (await import('./account-screen.tsx')).AccountScreen },
};
