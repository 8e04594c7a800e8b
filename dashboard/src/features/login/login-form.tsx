import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Problem } from '../../ui/problem.tsx';

interface LoginFormProps {
  /** Gives what is wrong, or undefined. */
  readonly signIn: (user: string, password: string) => Promise<string | undefined>;
  readonly user?: string;
}

export function LoginForm({ signIn, user: givenUser = '' }: LoginFormProps) {
  const [user, setUser] = useState(givenUser);
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    const found = await signIn(user, password);
    setProblem(found);
    setPassword('');
    setBusy(false);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void submit();
  };
  return (
    <form onSubmit={onSubmit} method="post">
      <Stack gap="sm">
        {problem !== undefined && <Problem>{problem}</Problem>}
        <TextInput
          label="User"
          name="username"
          autoComplete="username"
          required
          data-autofocus={givenUser === '' || undefined}
          autoFocus={givenUser === ''}
          value={user}
          onChange={(event) => setUser(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          data-autofocus={givenUser !== '' || undefined}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" loading={isBusy}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}
