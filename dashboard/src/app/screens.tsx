import { lazy } from 'react';
import { Navigate, Route, Routes } from 'react-router';
import { Home } from '../features/setup/home.tsx';
import { NotFound } from './not-found.tsx';
import { apiUrl, proxyUrl } from './page-facts.ts';

// Each is loaded when it is first gone to.
const ActivityScreen = lazy(async () => ({
  default: (await import('../features/activity/activity-screen.tsx')).ActivityScreen,
}));
const SetupScreen = lazy(async () => ({ default: (await import('../features/setup/setup-screen.tsx')).SetupScreen }));
const SecretListScreen = lazy(async () => ({
  default: (await import('../features/secrets/secret-list-screen.tsx')).SecretListScreen,
}));
const NewSecretScreen = lazy(async () => ({
  default: (await import('../features/secrets/new-secret-screen.tsx')).NewSecretScreen,
}));
const SecretScreen = lazy(async () => ({
  default: (await import('../features/secrets/secret-screen.tsx')).SecretScreen,
}));
const AgentListScreen = lazy(async () => ({
  default: (await import('../features/agents/agent-list-screen.tsx')).AgentListScreen,
}));
const NewAgentScreen = lazy(async () => ({
  default: (await import('../features/agents/new-agent-screen.tsx')).NewAgentScreen,
}));
const AgentScreen = lazy(async () => ({ default: (await import('../features/agents/agent-screen.tsx')).AgentScreen }));
const PolicyListScreen = lazy(async () => ({
  default: (await import('../features/policies/policy-list-screen.tsx')).PolicyListScreen,
}));
const NewPolicyScreen = lazy(async () => ({
  default: (await import('../features/policies/new-policy-screen.tsx')).NewPolicyScreen,
}));
const AllowScreen = lazy(async () => ({
  default: (await import('../features/policies/allow-screen.tsx')).AllowScreen,
}));
const PolicyScreen = lazy(async () => ({
  default: (await import('../features/policies/policy-screen.tsx')).PolicyScreen,
}));

/** Which screen is at which address. */
export function Screens() {
  return (
    <Routes>
      <Route path="/" element={<Home />} />
      <Route path="/login" element={<Navigate to="/" replace />} />
      <Route path="/setup" element={<SetupScreen proxyUrl={proxyUrl} apiUrl={apiUrl} />} />
      <Route path="/activity" element={<ActivityScreen />} />
      <Route path="/secrets" element={<SecretListScreen />} />
      <Route path="/new/secret" element={<NewSecretScreen />} />
      <Route path="/secrets/:name" element={<SecretScreen />} />
      <Route path="/agents" element={<AgentListScreen />} />
      <Route path="/new/agent" element={<NewAgentScreen />} />
      <Route path="/agents/:name" element={<AgentScreen />} />
      <Route path="/policies" element={<PolicyListScreen />} />
      <Route path="/new/policy" element={<NewPolicyScreen />} />
      <Route path="/new/rule" element={<AllowScreen />} />
      <Route path="/policies/:name" element={<PolicyScreen />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
