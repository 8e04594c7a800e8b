import type { Feature } from '../../app/feature.ts';

export const authorities: Feature = {
  links: [{ group: 'operations', path: '/authorities', name: 'Authority', reads: 'authority:read' }],
  screens: {
    '/authorities': async () => (await import('./authority-screen.tsx')).AuthorityScreen,
    '/new/authority': async () => (await import('./import-authority-screen.tsx')).ImportAuthorityScreen,
  },
};
