import { Anchor } from '@mantine/core';
import { Link } from 'react-router';
import { TimeText } from '../../ui/time-text.tsx';
import type { Held } from './held.ts';

/** Whose client certificates are refused when their authority is retired. */
export function HolderList({ holders, holderCount, unrecordedUntil }: Held) {
  const unnamed = holderCount - holders.length;
  return (
    <>
      {holders.length > 0 && (
        <ul aria-label="Agents with certificates by it">
          {holders.map(({ agent, expiresAt, isRenewed }) => (
            <li key={agent}>
              <Anchor component={Link} to={`/agents/${encodeURIComponent(agent)}`} inherit>
                {agent}
              </Anchor>
              , until <TimeText at={expiresAt} />
              {isRenewed ? ': has a newer one too' : <span className="tag warn">Nothing newer</span>}
            </li>
          ))}
          {unnamed > 0 && <li>and {unnamed} more</li>}
        </ul>
      )}
      {unrecordedUntil !== null && (
        <p className="note warn">
          Certificates that an earlier release issued may be good until <TimeText at={unrecordedUntil} />, and nobody
          knows whose they are.
        </p>
      )}
    </>
  );
}
