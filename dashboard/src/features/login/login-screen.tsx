import { Logo } from '../../ui/logo.tsx';
import { LoginForm } from './login-form.tsx';

interface LoginScreenProps {
  readonly signIn: (user: string, password: string) => Promise<string | undefined>;
}

export function LoginScreen({ signIn }: LoginScreenProps) {
  return (
    <main className="login">
      <div className="panel">
        <h1>
          <Logo /> Sign in to OneCLI
        </h1>
        <LoginForm signIn={signIn} />
        <p className="lead">
          The first <code>npm start</code> prints the admin’s password once. Lost? Set{' '}
          <code>ONECLI_ADMIN_PASSWORD</code> and start again.
        </p>
      </div>
    </main>
  );
}
