import type { AgentSelector } from '@onecli/shared/domain/agent-selector';
import type { PolicyBody, Rule } from '@onecli/shared/domain/policy';
import { environmentOf } from '@onecli/shared/domain/names';
import { policyContext } from '@onecli/shared/seal-contexts';
import { type DataSource, type EntityManager, In } from 'typeorm';
import { AgentEntity } from '../agents/agent.entity.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import type { DocumentVerb, DocumentView } from '../configuration/document-kind.ts';
import { DocumentService } from '../configuration/document.service.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretEntity } from '../secrets/secret.entity.ts';
import { PolicyEntity } from './policy.entity.ts';
import { bodyOf, documentOf, type PolicyDocument, recordedPolicy } from './policy-document.ts';
import { newPolicyInput } from './policy-input.ts';

/** A policy as it is shown, in the form in which a person writes it. */
export type PolicyView = DocumentView & PolicyDocument;

/** Policies. */
export class PolicyService extends DocumentService<PolicyBody, PolicyDocument> {
  constructor(dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys) {
    const kind = {
      kind: 'policy',
      entity: PolicyEntity,
      context: policyContext,
      parse: (input: unknown) => {
        const { name, ...content } = parseInput(newPolicyInput, input);
        return { name, body: bodyOf(content) };
      },
      documentOf,
      recorded: recordedPolicy,
      environmentsOf,
      check: requireNamed,
      contents: (_manager: EntityManager, bodies: readonly PolicyBody[]) => Promise.resolve(bodies.map(shownDocument)),
    } as const;
    super(kind, dataSource, change, keys);
  }
}

/** Of bodies that are kept: nobody changes what is shown. */
const shown = new WeakMap<PolicyBody, PolicyDocument>();

function shownDocument(body: PolicyBody): PolicyDocument {
  const document = shown.get(body) ?? documentOf(body);
  shown.set(body, document);
  return document;
}

/** What tells where a policy belongs. */
export interface JudgedPolicy {
  readonly agents: readonly AgentSelector[];
  readonly mode?: PolicyBody['mode'];
  readonly rules: readonly JudgedRule[];
}

type JudgedRule = Pick<Rule, 'effect' | 'secrets' | 'rateLimit' | 'maxConcurrent' | 'maxBodyBytes' | 'plainHttp'> & {
  readonly approval?: unknown;
};

/**
 * A rule belongs to the environments of the secrets that it grants. What grants none, denies, limits, or is no more than monitored
 * changes what agents may do with everything: it belongs to all of them. A rule also opens hosts to agents, so who writes it needs
 * the environments of those too; to read it, those of the secrets are enough.
 */
export function environmentsOf({ agents, mode, rules }: JudgedPolicy, verb: DocumentVerb): ReadonlySet<string> {
  const ofRules = rules.flatMap((rule) => [
    ...(rule.effect === 'deny' || rule.secrets.length === 0 || actsOnOthers(rule) ? ['*'] : []),
    ...rule.secrets.map(environmentOf),
  ]);
  return new Set([
    ...(mode !== 'monitor' && rules.length > 0 ? [] : ['*']),
    ...ofRules,
    ...(verb === 'read' ? [] : agents.map(environmentOfSelected)),
  ]);
}

/**
 * The agents of an environment are those with the label `environment: <its name>`, and that label of a selector is what keeps it to
 * them, whichever agents there will be. By a name or a glob it may come to select any: an agent can be made anew, with other labels.
 */
function environmentOfSelected(selector: AgentSelector): string {
  return (selector.kind === 'labels' && new Map(Object.entries(selector.labels)).get('environment')) || '*';
}

/**
 * What the rules that cover a request limit and ask holds together: that of one binds requests with secrets of any other. Where one rule
 * of a host serves plain HTTP, the secrets of any other go there in the clear.
 */
function actsOnOthers({ rateLimit, maxConcurrent, maxBodyBytes, plainHttp, approval }: JudgedRule): boolean {
  const limits = [rateLimit, maxConcurrent, maxBodyBytes, approval];
  return limits.some((limit) => limit !== undefined) || plainHttp === true;
}

/** A misspelt agent or secret would silently grant nothing, so that each must exist when the policy is written. */
async function requireNamed(manager: EntityManager, body: PolicyBody): Promise<void> {
  const agents = body.agents.map((selector) => (selector.kind === 'name' ? selector.name : undefined));
  const secrets = [...new Set(body.rules.flatMap((rule) => rule.secrets))];
  const knownAgents = await namesOf(
    manager,
    AgentEntity,
    agents.filter((name) => name !== undefined),
  );
  for (const [index, name] of agents.entries()) {
    if (name !== undefined && !knownAgents.has(name))
      throw invalidField(`agents[${index}]`, 'names no agent that exists');
  }
  const knownSecrets = await namesOf(manager, SecretEntity, secrets);
  for (const [ruleIndex, rule] of body.rules.entries()) {
    const index = rule.secrets.findIndex((name) => !knownSecrets.has(name));
    if (index !== -1) throw invalidField(`rules[${ruleIndex}].allow.secrets[${index}]`, 'names no secret that exists');
  }
}

async function namesOf(
  manager: EntityManager,
  entity: typeof AgentEntity | typeof SecretEntity,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const rows: { name: string }[] = await manager.find<{ id: string; name: string }>(entity, {
    select: { id: true, name: true },
    where: { name: In([...names]) },
  });
  return new Set(rows.map((row) => row.name));
}
