/** What an agent is told of itself at http://onecli.internal/: small, for a language model to read, and never a value. */
import { placeholderFor } from '@onecli/shared/domain/placeholder';
import type { Rule } from '@onecli/shared/domain/policy';
import type { AgentRecord } from '@onecli/shared/domain/snapshot';
import { hasExpired } from '@onecli/shared/domain/grant-placeholders';
import type { Configuration } from '../snapshot/configuration.ts';
import type { Limits } from './limits.ts';

/** More than anybody reads; what is over it is counted. */
const maxListed = 100;

const howTo = [
  'Requests go through this gateway by HTTPS_PROXY and HTTP_PROXY, or as http://<gateway>/to/<host>/<path> where a client honours no proxy.',
  'Put a placeholder where the key would stand, for instance "Authorization: Bearer onecli://prod/openai". The gateway puts the key in on the way out; you never hold it.',
  'What no rule under "allow" covers is refused, and a rule under "deny" wins. A rule without "paths" or "methods" is for all of them.',
  '"rateLimit", "maxConcurrent", "maxBodyBytes" and "windows" (when it is in force) limit a rule. A host with "tunnel" is passed through unseen: there a placeholder is not replaced.',
  'A rule with "approval" is in force once a person has approved it: ask, and try again when you are told so.',
  'An "alias" is the same placeholder in another form, for tools that check what a key looks like.',
  'A placeholder works at its own "hosts", in its own "places", and only where an allowed rule names it.',
  'A refusal by the gateway has the header x-onecli-error and says in error.hint what to do. If x-should-retry is false, do not repeat it: change the request, or ask an admin with the command in the hint.',
];

/** The document, for an agent under a configuration. Pure. */
export function describeAccess(configuration: Configuration, agent: AgentRecord, limits: Limits): object {
  const policies = configuration.policiesOf(agent);
  const rules = policies.flatMap((policy) => policy.rules.filter(({ lifts }) => lifts === undefined));
  const allow = rules.filter(({ effect }) => effect === 'allow');
  const deny = rules.filter(({ effect }) => effect === 'deny');
  const granted = [...new Set(allow.flatMap(({ secrets }) => secrets))].sort();
  return {
    agent: agent.name,
    labels: agent.labels,
    howTo,
    allow: allow.slice(0, maxListed).map(describeRule),
    deny: deny.slice(0, maxListed).map(describeRule),
    placeholders: granted.slice(0, maxListed).map((name) => describePlaceholder(configuration, name)),
    ...leftOut({ allow: allow.length, deny: deny.length, placeholders: granted.length }),
    limits: {
      maxTargetBytes: limits.maxTargetBytes,
      maxHeadBytes: limits.head.maxHeadBytes,
      maxHeaders: limits.head.maxHeaders,
      secondsUntilFirstByteOfAnswer: limits.firstByteMs / 1000,
      secondsWithoutBytesInBody: limits.bodyIdleMs / 1000,
    },
    revision: configuration.revision,
  };
}

function describeRule(rule: Rule): object {
  const { effect: _effect, hosts, paths, methods, secrets, approval, ...conditions } = rule;
  return {
    hosts,
    ...(paths.length > 0 && { paths }),
    ...(methods.length > 0 && { methods }),
    ...(secrets.length > 0 && { placeholders: secrets.map((name) => placeholderFor(name)) }),
    ...conditions,
    ...(approval && { approval: true }),
  };
}

function describePlaceholder(configuration: Configuration, name: string): object {
  const placeholder = placeholderFor(name);
  const secret = configuration.secret(name);
  if (!secret || secret.isDisabled)
    return { placeholder, usable: false, why: secret ? 'an admin has disabled it' : 'there is no secret of that name' };
  if (hasExpired(secret)) return { placeholder, usable: false, why: 'it has expired: an admin gives it a new value' };
  const { hosts, surfaces, allowCleartext } = secret.binding;
  if (hosts.length === 0 || surfaces.length === 0)
    return { placeholder, usable: false, why: 'it is bound to no host or no place' };
  return {
    placeholder,
    ...(secret.alias !== undefined && { alias: secret.alias }),
    hosts,
    places: surfaces,
    ...(allowCleartext === true && { overHttpToo: true }),
  };
}

function leftOut(counts: Readonly<Record<string, number>>): object {
  const over = Object.entries(counts).flatMap(([name, count]) =>
    count > maxListed ? [[name, count - maxListed] as const] : [],
  );
  return over.length > 0 ? { leftOut: Object.fromEntries(over) } : {};
}
