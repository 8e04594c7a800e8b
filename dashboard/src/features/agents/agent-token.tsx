import { Command } from '../../ui/command.tsx';

/** A token that was just made, and how to start the agent with it. Nothing tells it again. */
export function AgentToken({ name, token }: { readonly name: string; readonly token: string }) {
  return (
    <div className="stack">
      <div className="note good" role="status">
        <strong>The token of {name}, shown this once.</strong> Only a keyed hash of it is kept.
      </div>
      <Command label="Token" text={token} />
      <p className="lead">Start the agent with it, in the folder of OneCLI:</p>
      <Command
        label="Command to start the agent"
        text={`ONECLI_AGENT_TOKEN=${token} npx onecli run --agent ${name} -- claude`}
      />
    </div>
  );
}
