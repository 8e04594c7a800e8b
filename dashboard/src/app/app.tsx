import { Center, Loader } from '@mantine/core';
import { lazy, Suspense, useSyncExternalStore } from 'react';
import { Navigate, Route, Routes } from 'react-router';
import { LoginForm } from '../features/login/login-form.tsx';
import { LoginScreen } from '../features/login/login-screen.tsx';
import { Home } from '../features/setup/home.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { NotFound } from './not-found.tsx';
import { apiUrl, proxyUrl } from './page-facts.ts';
import { session } from './session.ts';
import { Shell } from './shell.tsx';

const ActivityScreen = lazy(async () => ({
  default: (await import('../features/activity/activity-screen.tsx')).ActivityScreen,
}));

const SetupScreen = lazy(async () => ({
  default: (await import('../features/setup/setup-screen.tsx')).SetupScreen,
}));

/** The screens. Without a login each address shows the login, and stays. */
export function App() {
  const { phase, user } = useSyncExternalStore(session.subscribe, () => session.state);
  const signIn = (name: string, password: string) => session.signIn(name, password);
  if (phase === 'looking') return <Waiting />;
  if (phase === 'signed-out') return <LoginScreen signIn={signIn} />;
  return (
    <>
      <Shell user={user} signOut={() => void session.signOut()}>
        <Suspense fallback={<Waiting />}>
          <Screens />
        </Suspense>
      </Shell>
      <Dialog isOpen={phase === 'expired'} title="Sign in again">
        <p className="lead">The session is over. What you have typed is still here.</p>
        <LoginForm signIn={signIn} user={user} />
      </Dialog>
    </>
  );
}

function Screens() {
  return (
    <Routes>
      <Route path="/" element={<Home />} />
      <Route path="/setup" element={<SetupScreen proxyUrl={proxyUrl} apiUrl={apiUrl} />} />
      <Route path="/login" element={<Navigate to="/" replace />} />
      <Route path="/activity" element={<ActivityScreen />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}

function Waiting() {
  return (
    <Center mih={240}>
      <Loader size="sm" aria-label="Loading" />
    </Center>
  );
}
