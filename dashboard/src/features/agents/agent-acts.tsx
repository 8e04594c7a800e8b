import { useNavigate } from 'react-router';
import { useAct } from '../../api/use-act.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import {
  type AgentRowFragment,
  DeleteAgentDocument,
  RotateAgentDocument,
  UpsertAgentDocument,
} from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';

/** Gives an agent a new token. */
export function Rotate({ name, done }: { readonly name: string; readonly done: (token: string) => void }) {
  const rotate = useWrite(RotateAgentDocument);
  const act = async () => {
    const { payload, problem } = await rotate({ name });
    if (payload.token !== null) done(payload.token);
    return problem;
  };
  return (
    <Confirm label="New token" title={`New token for ${name}?`} act={act} refused={useRefusal('agent:rotate')}>
      Its tokens before it are dead from the next request on.
    </Confirm>
  );
}

export function Disable({ agent, done }: { readonly agent: AgentRowFragment; readonly done: () => Promise<void> }) {
  const { name } = agent;
  const write = useAct(UpsertAgentDocument, done);
  const isDisabled = !agent.isDisabled;
  return (
    <Confirm
      label={isDisabled ? 'Disable' : 'Enable'}
      title={`${isDisabled ? 'Disable' : 'Enable'} ${name}?`}
      act={write({ input: { name, isDisabled } })}
      refused={useRefusal('agent:update')}
    >
      {isDisabled
        ? 'From the next request on it is refused everywhere. It can be enabled again.'
        : 'Its requests are decided by policy again.'}
    </Confirm>
  );
}

export function Delete({ name }: { readonly name: string }) {
  const navigate = useNavigate();
  const remove = useAct(DeleteAgentDocument, () => navigate('/agents'));
  return (
    <Confirm
      label="Delete"
      title={`Delete ${name}?`}
      act={remove({ name })}
      isDangerous
      refused={useRefusal('agent:delete')}
    >
      It is refused from the next request on, and its tokens are gone. What it did stays in the record.
    </Confirm>
  );
}
