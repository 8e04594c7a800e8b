/** What an agent is told of a refusal by policy: what was judged, and what to ask an admin for, as a command. */
import type { Denial } from '@onecli/shared/domain/evaluate-policy';
import { type Refusal, refusal } from './answer.ts';

/** What policy said no to. Without a request it was a host, at CONNECT. */
export interface Denied {
  /** The agent's name. */
  readonly agent: string;
  readonly host: string;
  readonly port: number;
  readonly request: { readonly method: string; readonly path: string } | undefined;
}

const denyingRule =
  'A rule denies this, and a deny wins over every allow. Do something else, or ask an admin to look at the rule that the audit trail names.';

const maxShownPath = 200;

/**
 * The refusal. `denial` says why, where policy said no to the request as it came. Method and path are the agent's own words and an admin may paste the command into a shell: what could mean
 * anything to a shell or to a path pattern is not put there.
 */
export function explainDenial(denied: Denied, denial: Denial | undefined): Refusal {
  const { agent, request } = denied;
  const place = [443, 80].includes(denied.port) ? denied.host : `${denied.host}:${denied.port}`;
  const message = request
    ? `Policy does not allow this agent ${request.method} ${shown(request.path)} on ${place}.`
    : `Policy does not allow this agent to reach ${place}.`;
  if (!denial) return refusal('POLICY_DENIED', message);
  if (denial.reason === 'APPROVAL_REQUIRED') {
    const what = request ? `${request.method} ${shown(request.path)} on ${place}` : place;
    return refusal('APPROVAL_REQUIRED', `Nobody has approved ${what} for this agent.`);
  }
  if (denial.reason === 'DENIED_BY_RULE') return refusal('POLICY_DENIED', message, { hint: denyingRule });
  const command = ['onecli policy allow', agent, /^[a-z0-9.:_-]+$/.test(place) ? place : `'${place}'`];
  if (request) command.push(`--paths ${isPlainPath(request.path) ? `'${request.path}'` : "'<pattern>'"}`);
  if (request && /^[A-Z]{1,32}$/.test(request.method)) command.push(`--methods ${request.method}`);
  const hint = `No rule allows this. If it is needed, ask an admin to run: ${command.join(' ')}`;
  return refusal('POLICY_DENIED', message, { hint });
}

function isPlainPath(path: string): boolean {
  return path.length <= maxShownPath && /^[A-Za-z0-9/._~:@=+-]+$/.test(path);
}

function shown(path: string): string {
  return path.length > maxShownPath ? `${path.slice(0, maxShownPath)}…` : path;
}
