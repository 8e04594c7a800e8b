import type { Feature } from '../../app/feature.ts';

export const agents: Feature = {
  links: [{ group: 'access', path: '/agents', name: 'Agents', reads: 'agent:read' }],
  screens: {
    '/agents': async () => (await import('./agent-list-screen.tsx')).AgentListScreen,
    '/agents/:name': async () => (await import('./agent-screen.tsx')).AgentScreen,
    '/new/agent': async () => (await import('./new-agent-screen.tsx')).NewAgentScreen,
  },
};
