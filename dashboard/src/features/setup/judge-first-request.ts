import type { EventRowFragment } from '../../gql/graphql.ts';

/** What an event says of a first request. */
export interface FirstRequest {
  readonly kind: 'seen' | 'problem' | 'other';
  readonly title: string;
  readonly advice: string;
}

const problems: Readonly<Record<string, Omit<FirstRequest, 'kind'>>> = {
  TLS_HANDSHAKE_FAILED: {
    title: 'The client does not trust the gateway’s certificate authority',
    advice:
      'It reached the gateway and broke off the TLS handshake. Give it the authority: `onecli run` sets it for most clients; curl takes --cacert, Node NODE_EXTRA_CA_CERTS, Python SSL_CERT_FILE.',
  },
  PROXY_AUTH_REQUIRED: {
    title: 'The client sends no token (407)',
    advice:
      'It reached the gateway and said nothing of who it is. The proxy URL must have the agent and its token: http://agent:token@host:port. A client that asks again and again drops them: start it with `onecli run`.',
  },
  PROXY_AUTH_INVALID: {
    title: 'The token is not valid (407)',
    advice: 'Copy the command again: it holds the token of this agent. A token that was rotated is dead.',
  },
  PLACEHOLDER_NOT_BOUND: {
    title: 'The placeholder stands where its secret is not bound',
    advice: 'Send it in a header, to the host of the secret.',
  },
};

/** Whether an event is the first request of the agent, or tells why there is none. */
export function judgeFirstRequest(event: EventRowFragment, agent: string): FirstRequest {
  const { decision, reason, host, status, secrets } = event;
  if (event.agent !== null && event.agent !== agent) return { kind: 'other', title: '', advice: '' };
  const known = problems[reason];
  if (known !== undefined) return { kind: 'problem', ...known };
  if (event.agent === null) return { kind: 'other', title: '', advice: '' };
  if (decision === 'DENY' || status === 0) {
    const title = `Refused: ${reason}, ${event.method} ${host}`;
    return { kind: 'problem', title, advice: 'Open it in Activity: there is the rule that decided.' };
  }
  return { kind: 'seen', title: 'First request seen', advice: adviceOf(status, secrets) };
}

function adviceOf(status: number, secrets: readonly string[]): string {
  if (secrets.length === 0) return 'It came through without the secret: the placeholder was not in it.';
  const used = `It left with ${secrets.join(', ')}, and the service answered ${status}.`;
  return status === 401 || status === 403 ? `${used} The service refused the key: is the value right?` : used;
}
