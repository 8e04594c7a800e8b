import type { Feature } from '../../app/feature.ts';

export const simulator: Feature = {
  links: [{ group: 'traffic', path: '/simulator', name: 'Simulator', reads: 'policy:read' }],
  screens: { '/simulator': async () => (await import('./simulator-screen.tsx')).SimulatorScreen },
};
