import { useQuery } from '@apollo/client/react';
import { PasswordInput } from '@mantine/core';
import { useWrite } from '../../api/use-write.ts';
import { Loading } from '../../ui/loading.tsx';
import { ChangePasswordDocument, OwnSessionsDocument } from '../../gql/graphql.ts';
import { FormPanel } from '../../ui/form-panel.tsx';
import { Problem, problemText } from '../../ui/problem.tsx';
import { useFields } from '../../ui/use-fields.ts';
import { SessionTable } from './session-table.tsx';

/** The caller's own password and sessions. */
export function AccountScreen() {
  const { data, error, refetch } = useQuery(OwnSessionsDocument, { fetchPolicy: 'no-cache' });
  const reread = async () => void (await refetch());
  return (
    <div className="narrow stack">
      <h1>Your account</h1>
      {error !== undefined && <Problem>{problemText(error)}</Problem>}
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && (
        <section className="panel table">
          <SessionTable caption="Where you are signed in" sessions={data.sessions} done={reread} />
        </section>
      )}
      <PasswordForm />
    </div>
  );
}

const empty = { currentPassword: '', password: '', again: '' };

function PasswordForm() {
  const write = useWrite(ChangePasswordDocument);
  const { fields, set, text } = useFields(empty);
  const submit = async () => {
    const { currentPassword, password, again } = fields;
    if (password !== again) return 'The two new passwords are not the same.';
    const { problem, code } = await write({ currentPassword, password });
    if (problem !== undefined) return code === 'UNAUTHENTICATED' ? 'The password of now is not right.' : problem;
    set(empty);
    // All sessions are over, this one too.
    window.location.assign('/');
    return undefined;
  };
  return (
    <FormPanel submitLabel="Change the password" submit={submit}>
      <h2>Password</h2>
      <p className="lead">All your sessions end with it, this one too: you sign in again.</p>
      <PasswordInput label="Password of now" required autoComplete="current-password" {...text('currentPassword')} />
      <PasswordInput label="New password" required autoComplete="new-password" {...text('password')} />
      <PasswordInput label="New password again" required autoComplete="new-password" {...text('again')} />
    </FormPanel>
  );
}
