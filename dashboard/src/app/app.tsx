import { Center } from '@mantine/core';
import { Suspense, useSyncExternalStore } from 'react';
import { Loading } from '../ui/loading.tsx';
import { LoginForm } from '../features/login/login-form.tsx';
import { LoginScreen } from '../features/login/login-screen.tsx';
import { WelcomeScreen } from '../features/login/welcome-screen.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Screens } from './screens.tsx';
import { session } from './session.ts';
import { Shell } from './shell.tsx';

/** The screens. Without a login each address shows the login, and stays. */
export function App() {
  const { phase, user } = useSyncExternalStore(session.subscribe, () => session.state);
  const signIn = (name: string, password: string) => session.signIn(name, password);
  if (window.location.pathname === '/welcome')
    return <WelcomeScreen setPassword={(token, password) => session.setPassword(token, password)} />;
  if (phase === 'looking') return <Waiting />;
  if (phase === 'signed-out') return <LoginScreen signIn={signIn} />;
  return (
    <>
      <Shell user={user} signOut={() => session.signOut()}>
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

function Waiting() {
  return (
    <Center mih={240}>
      <Loading />
    </Center>
  );
}
