import { useEditing } from '../../api/use-editing.ts';
import { useLook } from '../../api/use-look.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type AgentRowFragment, AgentDocument, UpsertAgentDocument } from '../../gql/graphql.ts';
import { ConflictNotice } from '../../ui/conflict-notice.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { AgentForm } from './agent-form.tsx';
import { agentFields, agentInput } from './identity-fields.ts';

interface AgentSettingsProps {
  readonly agent: AgentRowFragment;
  readonly reread: () => Promise<void>;
  readonly close: () => void;
  /** A token was made by it. */
  readonly gotToken: (token: string) => void;
}

/** Labels and identities of an agent, to be changed. */
export function AgentSettings({ agent, reread, close, gotToken }: AgentSettingsProps) {
  const write = useWrite(UpsertAgentDocument);
  const { form, task, submit, conflict } = useEditing({
    thing: agent,
    fieldsOf: agentFields,
    inputOf: agentInput,
    write: async (parts, ifRevision) => {
      const written = await write({ input: { ...parts, name: agent.name }, ifRevision });
      if (written.payload.token !== null) gotToken(written.payload.token);
      return written;
    },
    look: useLook(AgentDocument, { name: agent.name }, (data) => data.agent),
    done: async () => {
      await reread();
      close();
    },
  });
  return (
    <FormPanel submitLabel="Save" submit={submit} cancel={close} task={task} refused={useRefusal('agent:update')}>
      {conflict !== undefined && <ConflictNotice {...conflict} isBusy={task.isBusy} />}
      <AgentForm form={form} />
      <p className="lead">
        An identity that is taken away recognises nobody from the next request on. Taking the token away kills every
        token.
      </p>
    </FormPanel>
  );
}
