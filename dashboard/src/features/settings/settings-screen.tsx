import { useQuery } from '@apollo/client/react';
import { apiUrl, proxyUrl } from '../../app/page-facts.ts';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { ConfirmRestoreDocument, MeDocument } from '../../gql/graphql.ts';
import { Command } from '../../ui/command.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Facts } from '../../ui/facts.tsx';

/** Of the whole instance: where it is reached, its backups, and what settles a restore. */
export function SettingsScreen() {
  const { data, refetch } = useQuery(MeDocument);
  const confirm = useAct(ConfirmRestoreDocument, async () => void (await refetch()));
  return (
    <div className="narrow stack">
      <h1>Settings</h1>
      <section className="panel">
        <h2>Where it is</h2>
        <Facts
          facts={[
            ['Proxy for agents', <code key="proxy">{proxyUrl}</code>],
            ['API and this page', <code key="api">{apiUrl}</code>],
            ['Signed in as', data?.me.name ?? '…'],
          ]}
        />
        <p className="lead settings-note">
          Ports, addresses, limits and the master key are set by the environment of the processes, not here: they are
          read at their start.
        </p>
      </section>
      <section className="panel stack">
        <h2>Backup</h2>
        <p className="lead">
          It is sealed under the master key, and is made while everything runs. On the gateway’s machine:
        </p>
        <Command label="Command for a backup" text="npx onecli backup onecli.backup" />
        <Command label="Command to restore" text="npx onecli restore onecli.backup" />
      </section>
      <section className="panel stack">
        <h2>After a restore</h2>
        <p className="lead">
          A restored configuration is older than what workers have. They keep what they have, and take the restored one
          only when you say so.
        </p>
        <div className="actions">
          <Confirm
            label="Confirm the restore"
            title="Let workers take the restored configuration?"
            act={confirm({})}
            isDangerous
            refused={useRefusal('backup:confirm')}
          >
            Every worker goes back to the configuration that is stored now. What was allowed, denied or revoked after
            the backup was made is as it was then: look at it before you confirm.
          </Confirm>
        </div>
      </section>
    </div>
  );
}
