import type { Feature } from '../../app/feature.ts';

export const routes: Feature = {
  links: [{ group: 'access', path: '/routes', name: 'Routes', reads: 'route:read' }],
  screens: {
    '/routes': async () => (await import('./route-list-screen.tsx')).RouteListScreen,
    '/routes/:name': async () => (await import('./route-screen.tsx')).RouteScreen,
    '/new/route': async () => (await import('./new-route-screen.tsx')).NewRouteScreen,
  },
};
