import type { Feature } from '../../app/feature.ts';

export const approvals: Feature = {
  links: [{ group: 'traffic', path: '/approvals', name: 'Approvals', reads: 'approval:read' }],
  screens: { '/approvals': async () => (await import('./approvals-screen.tsx')).ApprovalsScreen },
};
