import { type Finding, findingKinds } from '@onecli/shared/domain/audit-event';

interface Advice {
  readonly title: string;
  /** What it means, and what to do. */
  readonly text: string;
}

const advice: Readonly<Record<Finding['kind'], Advice>> = {
  PLACEHOLDER_NOT_GRANTED: {
    title: 'A placeholder that no rule grants',
    text: 'The agent asked to use a secret that no rule lets it use there. It was refused, and nothing left. If the agent needs the secret, add it to the rule that allows this host; if not, find out why it asks.',
  },
  PLACEHOLDER_NOT_BOUND: {
    title: 'A placeholder sent where it is not bound',
    text: 'The agent sent a placeholder to a host, or in a part of the request, where its secret may not be used: that is how a stolen key would leave. It was refused. If it is meant, add the host or the surface to the secret’s binding; if not, look at what the agent read before.',
  },
  PLACEHOLDER_IN_BODY: {
    title: 'A placeholder in a body',
    text: 'A placeholder stood in a body where none is replaced: it went out as it was, and is no secret. If the service expects the key there, let the secret be replaced in JSON, form or text bodies.',
  },
  SECRET_EXPIRED: {
    title: 'A secret that is expired',
    text: 'The agent wants a secret that is not used any more. Give the secret a new version and a new date, or take it out of the agent’s configuration.',
  },
  SECRET_IN_RESPONSE: {
    title: 'A secret in an answer',
    text: 'The service sent the secret back. The agent got the placeholder in its place. The service shows keys to whoever asks: allow only the paths that the agent needs, and give the secret a new version if anybody else could read the answer.',
  },
};

/** What a finding means, and what to do about it. One of a later release is named as it is. */
export function adviceOf(kind: string): Advice {
  const known = findingKinds.find((one) => one === kind);
  return known === undefined
    ? { title: kind, text: 'This dashboard does not know it: docs/errors.md and docs/audit.md do.' }
    : advice[known];
}
