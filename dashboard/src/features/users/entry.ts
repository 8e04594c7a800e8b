import type { Feature } from '../../app/feature.ts';

export const users: Feature = {
  links: [{ group: 'administration', path: '/users', name: 'Users', reads: 'user:read' }],
  screens: {
    '/users': async () => (await import('./user-list-screen.tsx')).UserListScreen,
    '/users/:name': async () => (await import('./user-screen.tsx')).UserScreen,
    '/new/user': async () => (await import('./new-user-screen.tsx')).NewUserScreen,
  },
};
