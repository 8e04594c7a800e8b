import type { Feature } from '../../app/feature.ts';

export const secrets: Feature = {
  links: [{ group: 'access', path: '/secrets', name: 'Secrets', reads: 'secret:read' }],
  screens: {
    '/secrets': async () => (await import('./secret-list-screen.tsx')).SecretListScreen,
    '/secrets/:name': async () => (await import('./secret-screen.tsx')).SecretScreen,
    '/new/secret': async () => (await import('./new-secret-screen.tsx')).NewSecretScreen,
  },
};
