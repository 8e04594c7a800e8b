import type { Feature } from '../../app/feature.ts';

export const apiKeys: Feature = {
  links: [{ group: 'administration', path: '/api-keys', name: 'API keys', reads: 'own:api-key' }],
  screens: {
    '/api-keys': async () => (await import('./api-key-list-screen.tsx')).ApiKeyListScreen,
    '/new/api-key': async () => (await import('./new-api-key-screen.tsx')).NewApiKeyScreen,
  },
};
