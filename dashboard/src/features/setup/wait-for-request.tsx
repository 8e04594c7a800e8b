import { Anchor, Loader, Tabs } from '@mantine/core';
import { Link } from 'react-router';
import { Command } from '../../ui/command.tsx';
import { startCommands } from './commands.ts';
import type { FirstRequest } from './judge-first-request.ts';
import { useFirstRequest } from './use-first-request.ts';

type WaitForRequestProps = Parameters<typeof startCommands>[0];

/** The commands, and what comes of them. */
export function WaitForRequest(facts: WaitForRequestProps) {
  const { found, isSilent } = useFirstRequest(facts.agent);
  const commands = startCommands(facts);
  return (
    <>
      <div className="panel">
        <Tabs defaultValue="curl" keepMounted={false}>
          <Tabs.List aria-label="Ways to start" mb="sm">
            {commands.map(({ id, label }) => (
              <Tabs.Tab key={id} value={id}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {commands.map(({ id, label, text }) => (
            <Tabs.Panel key={id} value={id}>
              <Command text={text} label={`Command for ${label}`} />
            </Tabs.Panel>
          ))}
        </Tabs>
      </div>
      <div role="status">
        <Waiting found={found} isSilent={isSilent} agent={facts.agent} />
      </div>
    </>
  );
}

interface WaitingProps {
  readonly found: FirstRequest | undefined;
  readonly isSilent: boolean;
  readonly agent: string;
}

function Waiting({ found, isSilent, agent }: WaitingProps) {
  if (found === undefined) {
    return (
      <div className={isSilent ? 'note warn' : 'note'}>
        <Loader size={12} mr="xs" aria-hidden /> Waiting for the first request of <code>{agent}</code>…
        {isSilent && (
          <p>
            Nothing has come yet. A client that does not read HTTPS_PROXY goes past the gateway: Node needs version 24,
            or 22.21 and newer. <code>npx onecli doctor</code>, run the same way, says what is missing.
          </p>
        )}
      </div>
    );
  }
  return (
    <div className={found.kind === 'seen' ? 'note good' : 'note warn'}>
      <strong>{found.title}</strong>
      <p>{found.advice}</p>
      <Anchor component={Link} to={`/activity?agent=${encodeURIComponent(agent)}`}>
        See it in Activity
      </Anchor>
    </div>
  );
}
