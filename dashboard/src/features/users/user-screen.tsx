import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { apiUrl } from '../../app/page-facts.ts';
import { useAct } from '../../api/use-act.ts';
import { useEditing } from '../../api/use-editing.ts';
import { useLook } from '../../api/use-look.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import {
  type UserRowFragment,
  DeleteUserDocument,
  ResetUserDocument,
  UpdateUserDocument,
  UserDocument,
} from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { ConflictNotice } from '../../ui/conflict-notice.tsx';
import { DetailFrame } from '../../ui/detail-frame.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { SessionTable } from '../account/session-table.tsx';
import { PasswordLink, type PasswordLinkProps } from './password-link.tsx';
import { RoleChoice } from './role-choice.tsx';
import { roleInput, roleTexts } from './roles.ts';
import { UserStateTag } from './user-list-screen.tsx';

/** One user: what he may do, where he is signed in. */
export function UserScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(UserDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  const [link, setLink] = useState<Omit<PasswordLinkProps, 'pageUrl'>>();
  const reread = async () => void (await refetch());
  return (
    <DetailFrame noun="user" name={name} error={error} found={data?.user === null ? null : data}>
      {({ user, sessions }) =>
        user !== null && (
          <div className="narrow stack">
            <div className="head">
              <h1>{name}</h1>
              <UserStateTag user={user} />
              <Reset
                user={user}
                done={(made) => {
                  // It is told once: it does not wait for what is read after it.
                  setLink({ ...made, name });
                  void reread().catch(() => undefined);
                }}
              />
              <Disable user={user} done={reread} />
              <Delete name={name} />
            </div>
            {link !== undefined && <PasswordLink {...link} pageUrl={`${apiUrl}/welcome`} />}
            <Roles key={user.revision} user={user} done={reread} />
            <section className="panel table">
              <SessionTable caption="Where they are signed in" sessions={sessions} done={reread} />
            </section>
          </div>
        )
      }
    </DetailFrame>
  );
}

interface PartProps {
  readonly user: UserRowFragment;
  readonly done: () => Promise<void>;
}

const roleFields = ({ roles }: UserRowFragment) => ({ roles: roleTexts(roles) });

function rolesAsked({ roles: texts }: ReturnType<typeof roleFields>) {
  const roles = roleInput(texts);
  return roles.length === 0 ? 'Choose at least one role, or disable the user.' : { roles };
}

function Roles({ user, done }: PartProps) {
  const write = useWrite(UpdateUserDocument);
  const { name } = user;
  const { form, task, submit, conflict } = useEditing({
    thing: user,
    fieldsOf: roleFields,
    inputOf: rolesAsked,
    write: (input, ifRevision) => write({ name, input, ifRevision }),
    look: useLook(UserDocument, { name }, (data) => data.user),
    done,
  });
  return (
    <FormPanel submitLabel="Save the roles" submit={submit} task={task} refused={useRefusal('user:update')}>
      {conflict !== undefined && <ConflictNotice {...conflict} isBusy={task.isBusy} />}
      <RoleChoice legend="What they may do" roles={form.fields.roles} choose={(roles) => form.set({ roles })} />
    </FormPanel>
  );
}

/** Why one who came back by a restore is not let in, for a person to read; undefined when he is none. */
function refusalOfHeld({ isHeld, name }: UserRowFragment): string | undefined {
  return isHeld ? `${name} is held until the restore is confirmed: onecli restore --confirm` : undefined;
}

function Reset({
  user,
  done,
}: {
  readonly user: UserRowFragment;
  readonly done: (made: { readonly token: string; readonly expiresAt: string | null }) => void;
}) {
  const { name } = user;
  const write = useWrite(ResetUserDocument);
  const act = async () => {
    const { problem, payload } = await write({ name });
    if (payload.token !== null) done({ token: payload.token, expiresAt: payload.expiresAt });
    return problem;
  };
  return (
    <Confirm
      label="Reset password"
      title={`Reset the password of ${name}?`}
      act={act}
      refused={useRefusal('user:update') ?? refusalOfHeld(user)}
    >
      The password is gone, all sessions end, and you get a new invitation code to hand over.
    </Confirm>
  );
}

function Disable({ user, done }: PartProps) {
  const act = useAct(UpdateUserDocument, done);
  const { name } = user;
  const isDisabled = user.state !== 'DISABLED';
  return (
    <Confirm
      label={isDisabled ? 'Disable' : 'Enable'}
      title={`${isDisabled ? 'Disable' : 'Enable'} ${name}?`}
      act={act({ name, input: { isDisabled } })}
      refused={useRefusal('user:update') ?? (isDisabled ? undefined : refusalOfHeld(user))}
    >
      {isDisabled
        ? 'All sessions end, and neither the user nor the API keys that are theirs can do anything until they are enabled again.'
        : 'They can sign in again, and their API keys work again.'}
    </Confirm>
  );
}

function Delete({ name }: { readonly name: string }) {
  const navigate = useNavigate();
  const act = useAct(DeleteUserDocument, () => navigate('/users'));
  return (
    <Confirm
      label="Delete"
      title={`Delete ${name}?`}
      act={act({ name })}
      isDangerous
      refused={useRefusal('user:delete')}
    >
      The user, all sessions and all API keys of theirs are gone. What they did stays in the record.
    </Confirm>
  );
}
