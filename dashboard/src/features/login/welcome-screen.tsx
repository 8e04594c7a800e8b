import { Anchor, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { FormPanel } from '../../ui/form-panel.tsx';
import { Logo } from '../../ui/logo.tsx';
import { useFields } from '../../ui/use-fields.ts';

interface WelcomeScreenProps {
  /** Gives what is wrong, or undefined. */
  readonly setPassword: (token: string, password: string) => Promise<string | undefined>;
}

/** Where an invited user sets a password. The code is typed: it is in no address. */
export function WelcomeScreen({ setPassword }: WelcomeScreenProps) {
  const { fields, set, text } = useFields({ token: '', password: '', again: '' });
  const [isDone, setDone] = useState(false);
  const submit = async () => {
    if (fields.password !== fields.again) return 'The two passwords are not the same.';
    const problem = await setPassword(fields.token.trim(), fields.password);
    if (problem !== undefined) return problem;
    set({ token: '', password: '', again: '' });
    setDone(true);
    return undefined;
  };
  return (
    <main className="login">
      <div className="panel">
        <h1>
          <Logo /> Welcome to OneCLI
        </h1>
        {isDone ? (
          <p className="note good" role="status">
            Your password is set. <Anchor href="/">Sign in</Anchor>
          </p>
        ) : (
          <FormPanel isBare submitLabel="Set the password" submit={submit}>
            <PasswordInput label="Invitation code" required autoFocus autoComplete="one-time-code" {...text('token')} />
            <PasswordInput label="New password" required autoComplete="new-password" {...text('password')} />
            <PasswordInput label="New password again" required autoComplete="new-password" {...text('again')} />
          </FormPanel>
        )}
      </div>
    </main>
  );
}
