import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isPlainName } from '@onecli/shared/domain/names';
import type { PolicyBody } from '@onecli/shared/domain/policy';
import { Fault } from '@onecli/shared/fault';
import { policyContext } from '@onecli/shared/seal-contexts';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import { type DataSource, type EntityManager, In } from 'typeorm';
import { AgentEntity } from '../agents/agent.entity.ts';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import { type Page, type PageRequest, pageByName } from '../configuration/page.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import type { Removed, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretEntity } from '../secrets/secret.entity.ts';
import { PolicyEntity, type PolicyRow } from './policy.entity.ts';
import { bodyOf, documentOf, type PolicyDocument } from './policy-document.ts';
import { newPolicyInput, policyReplacementInput } from './policy-input.ts';

/** A policy as it is shown, in the form in which a person writes it. */
export interface PolicyView extends PolicyDocument {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** The source of configuration as code that made it; null when it was made by hand. */
  readonly managedBy: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Policies. Their bodies are sealed at rest. */
export class PolicyService {
  readonly #dataSource: DataSource;
  readonly #change: ChangeConfig;
  readonly #keyring: Keyring;

  constructor(dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys) {
    this.#dataSource = dataSource;
    this.#change = change;
    this.#keyring = keys.keyring;
  }

  /** One page, in the order of names. @throws Fault INTERNAL when a body does not open */
  async list(principal: Principal, request: PageRequest = {}): Promise<Page<PolicyView>> {
    authorize(principal, 'policy:read');
    const page = await pageByName(this.#dataSource.manager, PolicyEntity, request);
    return { items: page.items.map((row) => viewOf(row, this.#openBody(row))), next: page.next };
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, name: string): Promise<PolicyView> {
    authorize(principal, 'policy:read');
    const row = await requirePolicy(this.#dataSource.manager, name);
    return viewOf(row, this.#openBody(row));
  }

  /** @throws Fault INVALID, also for agents and secrets that do not exist; NAME_TAKEN */
  async create(principal: Principal, input: unknown): Promise<Written<PolicyView>> {
    authorize(principal, 'policy:create');
    const { name, ...content } = parseInput(newPolicyInput, input);
    const body = bodyOf(content);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      if (await tx.manager.existsBy(PolicyEntity, { name })) throw new Fault('NAME_TAKEN', `The policy ${name} exists`);
      await requireNamed(tx.manager, body);
      const now = new Date();
      const id = randomUUID();
      const made = { version: 1, managedBy: null, createdAt: now, updatedAt: now };
      const row = { id, name, sealedBody: this.#sealBody(id, 1, body), ...made };
      await tx.manager.insert(PolicyEntity, row);
      tx.changed('policy', id, 'upsert');
      tx.audit('policy:create', 'policy', name);
      return viewOf(row, body);
    });
    return { object: result, change: 'CREATED', revision };
  }

  /** Replaces agents, mode and rules as a whole. @throws Fault INVALID, NOT_FOUND */
  async replace(principal: Principal, name: string, input: unknown): Promise<Written<PolicyView>> {
    authorize(principal, 'policy:update');
    const { name: repeated, ...content } = parseInput(policyReplacementInput, input);
    if (repeated !== undefined && repeated !== name)
      throw invalidField('name', 'must be that of the policy, or absent');
    const body = bodyOf(content);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const before = await requirePolicy(tx.manager, name);
      const bodyBefore = this.#openBody(before);
      if (isDeepStrictEqual(bodyBefore, body)) return { object: viewOf(before, body), change: 'UNCHANGED' as const };
      await requireNamed(tx.manager, body);
      const version = before.version + 1;
      const written = { version, sealedBody: this.#sealBody(before.id, version, body), updatedAt: new Date() };
      await tx.manager.update(PolicyEntity, { id: before.id }, written);
      tx.changed('policy', before.id, 'upsert');
      const fields = (['agents', 'mode', 'rules'] as const).filter(
        (field) => !isDeepStrictEqual(bodyBefore[field], body[field]),
      );
      tx.audit('policy:update', 'policy', name, { fields, version });
      return { object: viewOf({ ...before, ...written }, body), change: 'UPDATED' as const };
    });
    return { ...result, revision };
  }

  /** Removes a policy; one that is absent is fine. */
  async remove(principal: Principal, name: string): Promise<Removed> {
    authorize(principal, 'policy:delete');
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const row = isPlainName(name) ? await tx.manager.findOneBy(PolicyEntity, { name }) : null;
      if (row === null) return 'UNCHANGED';
      await tx.manager.delete(PolicyEntity, { id: row.id });
      tx.changed('policy', row.id, 'remove');
      tx.audit('policy:delete', 'policy', name);
      return 'DELETED';
    });
    return { change: result, revision };
  }

  #sealBody(id: string, version: number, body: PolicyBody): Buffer {
    return seal(this.#keyring, policyContext(id, version), Buffer.from(JSON.stringify(body), 'utf8'));
  }

  #openBody(row: PolicyRow): PolicyBody {
    try {
      const opened = open(this.#keyring, policyContext(row.id, row.version), row.sealedBody);
      return JSON.parse(opened.toString('utf8')) as PolicyBody;
    } catch (cause) {
      if (!(cause instanceof VaultFault)) throw cause;
      throw new Fault('INTERNAL', `The policy ${row.name} does not open: its row was altered`, { cause });
    }
  }
}

function viewOf(row: PolicyRow, body: PolicyBody): PolicyView {
  const { id, name, version, managedBy, createdAt, updatedAt } = row;
  return { id, name, version, ...documentOf(body), managedBy, createdAt, updatedAt };
}

async function requirePolicy(manager: EntityManager, name: string): Promise<PolicyRow> {
  const row = isPlainName(name) ? await manager.findOneBy(PolicyEntity, { name }) : null;
  if (row === null) throw new Fault('NOT_FOUND', 'There is no policy of that name');
  return row;
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
