import { Fault } from '@onecli/shared/fault';
import { policyContext } from '@onecli/shared/seal-contexts';
import { seal } from '@onecli/shared/vault/seal';
import { isUUID } from 'class-validator';
import type { DataSource, EntityManager } from 'typeorm';
import { authorizeEach, authorizeList, authorizeSomewhere, may } from '../auth/authorize.ts';
import type { Action } from '../auth/actions.ts';
import { principalText } from '../auth/events/admin-event-store.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import { defaultLimit, maxLimit } from '../configuration/page.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { PolicyEntity } from '../policies/policy.entity.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import { follow } from '../subscriptions/follow.ts';
import { SharedPoll } from '../subscriptions/shared-poll.ts';
import { liftOfRequest, liftOfRule, liftingPolicy } from './approval-body.ts';
import { approvalInput } from './approval-input.ts';
import {
  type Approval,
  type ApprovalPlace,
  type ApprovalState,
  findApproval,
  isOfAgent,
  listApprovals,
  listWaiting,
} from './approval-store.ts';
import { keepDecision, removeEnded, removeLift } from './lift-store.ts';
import { type RuleNow, ruleNow, type ShownApproval, shownApprovals } from './rule-now.ts';

/** An approval, and its place in the list. */
export interface PlacedApproval {
  readonly approval: ShownApproval;
  readonly cursor: string;
}

export interface ApprovalPage {
  readonly items: readonly PlacedApproval[];
  readonly next: string | undefined;
}

export interface ApprovalRequest {
  readonly states?: readonly ApprovalState[] | undefined;
  /** The name of one. */
  readonly agent?: string | undefined;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

export interface DecidedApproval {
  readonly object: ShownApproval;
  readonly change: 'UPDATED' | 'UNCHANGED';
  readonly revision: number;
}

export interface ApprovalParts {
  readonly database: DataSource;
  readonly change: ChangeConfig;
  readonly keys: Pick<InstanceKeys, 'keyring'>;
  readonly policies: Pick<PolicyService, 'bodyOf'>;
}

const lookEveryMs = 300;
/** After a no the agent may ask as often as it likes: nobody is bothered with it again for so long. */
const deniedForMs = 3_600_000;

/** What agents ask persons to approve, and what became of it. */
export class ApprovalService {
  readonly #parts: ApprovalParts;
  readonly #pending: SharedPoll<readonly ShownApproval[]>;

  constructor(parts: ApprovalParts) {
    this.#parts = parts;
    this.#pending = new SharedPoll(lookEveryMs, () => this.#allPending(), keyOf);
  }

  /** One page of those in reach, the newest first. @throws Fault FORBIDDEN, INVALID for a cursor that is none */
  async list(
    principal: Principal,
    { states, agent, after, limit: asked = defaultLimit }: ApprovalRequest,
  ): Promise<ApprovalPage> {
    authorizeList(principal, 'approval:read');
    const { database, keys } = this.#parts;
    const limit = Math.min(Math.max(Math.trunc(asked), 1), maxLimit);
    let place = after === undefined ? undefined : readPlace(after);
    const visible: Approval[] = [];
    for (let isMore = true; isMore && visible.length <= limit; ) {
      const found = await listApprovals(database.manager, keys.keyring, {
        states,
        agent,
        after: place,
        limit: maxLimit,
      });
      visible.push(...found.approvals.filter((approval) => isReadable(principal, approval)));
      isMore = found.next !== undefined;
      place = found.next;
    }
    const shown = await this.#show(database.manager, visible.slice(0, limit));
    const items = shown.map((approval) => ({ approval, cursor: writePlace(approval) }));
    return { items, next: visible.length > limit ? items.at(-1)?.cursor : undefined };
  }

  /** @throws Fault NOT_FOUND, FORBIDDEN */
  async get(principal: Principal, id: string): Promise<ShownApproval> {
    authorizeSomewhere(principal, ['approval:read']);
    const { manager } = this.#parts.database;
    return this.#showOne(manager, await this.#require(manager, { principal, action: 'approval:read' }, id));
  }

  /**
   * Lets the agent do what it asked for, for some minutes: that one request, or all that the rule covers.
   * @throws Fault NOT_FOUND, INVALID; CONFLICT for one that was denied, when the rule or the agent is another now, or the path cannot be
   * approved alone
   */
  async approve(principal: Principal, id: string, input: unknown): Promise<DecidedApproval> {
    authorizeSomewhere(principal, ['approval:decide']);
    const { minutes, wholeRule } = parseInput(approvalInput, input);
    return this.#decide(principal, id, async (tx, approval) => {
      const { rule, place: name } = await this.#approvable(tx.manager, approval);
      const endsAt = new Date(Date.now() + minutes * 60_000);
      const lift = wholeRule ? liftOfRule(approval, rule, endsAt.getTime()) : liftOfRequest(approval, endsAt.getTime());
      await this.#lift(tx, id, Buffer.from(JSON.stringify(liftingPolicy(approval.agent, lift)), 'utf8'));
      await keepDecision(tx.manager, id, {
        state: 'APPROVED',
        by: principalText(principal),
        endsAt,
        isWholeRule: wholeRule,
      });
      tx.audit('approval:approve', 'approval', name, { ...toldOf(approval), endsAt: endsAt.toISOString(), wholeRule });
      return true;
    });
  }

  /** Says no, and that it is not to be asked for again for an hour; ends what was approved. @throws Fault NOT_FOUND */
  async deny(principal: Principal, id: string): Promise<DecidedApproval> {
    authorizeSomewhere(principal, ['approval:decide']);
    return this.#decide(principal, id, async (tx, approval) => {
      const endsAt = new Date(Date.now() + deniedForMs);
      await removeLift(tx, id);
      await keepDecision(tx.manager, id, { state: 'DENIED', by: principalText(principal), endsAt, isWholeRule: false });
      tx.audit('approval:deny', 'approval', approval.rule, toldOf(approval));
      return true;
    });
  }

  /** Ends what was approved, or forgets a no: the agent may ask for it again. @throws Fault NOT_FOUND */
  async end(principal: Principal, id: string): Promise<DecidedApproval> {
    authorizeSomewhere(principal, ['approval:decide']);
    return this.#decide(principal, id, async (tx, approval) => {
      // Also when it is over by this clock: it may not be by a worker's.
      const isLifted = await removeLift(tx, id);
      if (approval.state !== 'APPROVED' && approval.state !== 'DENIED' && !isLifted) return false;
      await keepDecision(tx.manager, id, {
        state: 'ENDED',
        by: principalText(principal),
        endsAt: new Date(),
        isWholeRule: false,
      });
      tx.audit('approval:end', 'approval', approval.rule, toldOf(approval));
      return true;
    });
  }

  /** The first 200 in reach that wait for a decision, ten of an agent at most, now and whenever they are others. @throws Fault FORBIDDEN */
  follow(caller: () => Principal): AsyncGenerator<readonly ShownApproval[]> {
    const authorize = () => void authorizeList(caller(), 'approval:read');
    authorize();
    let given: readonly ShownApproval[] | undefined;
    return follow({
      poll: this.#pending,
      authorize,
      next: (pending) => {
        if (pending === undefined || pending === given) return [];
        given = pending;
        return [pending.filter((approval) => isReadable(caller(), approval)).slice(0, maxLimit)];
      },
    });
  }

  async #allPending(): Promise<readonly ShownApproval[]> {
    const { manager } = this.#parts.database;
    return this.#show(manager, await listWaiting(manager, this.#parts.keys.keyring));
  }

  #show(manager: EntityManager, approvals: readonly Approval[]): Promise<ShownApproval[]> {
    return shownApprovals(this.#parts.policies, manager, approvals);
  }

  async #showOne(manager: EntityManager, approval: Approval): Promise<ShownApproval> {
    const [shown] = await this.#show(manager, [approval]);
    if (shown === undefined) throw new Error('A view was not made');
    return shown;
  }

  /** The rule that is to be lifted. @throws Fault CONFLICT */
  async #approvable(manager: EntityManager, approval: Approval): Promise<RuleNow> {
    if (approval.state === 'DENIED')
      throw new Fault('CONFLICT', `Somebody said no meanwhile: ${approval.decidedBy}. End that first`);
    const now = await ruleNow(this.#parts.policies, manager, approval);
    if (now === undefined)
      throw new Fault(
        'CONFLICT',
        `The rule ${approval.rule} was changed or removed since: the agent will ask again, if it has to`,
      );
    if (!(await isOfAgent(manager, approval)))
      throw new Fault('CONFLICT', `The agent ${approval.agent} is not the one that asked`);
    return now;
  }

  async #decide(
    principal: Principal,
    id: string,
    work: (tx: ConfigTransaction, approval: Approval) => Promise<boolean>,
  ): Promise<DecidedApproval> {
    const { result, revision } = await this.#parts.change.changeConfig(principal, async (tx) => {
      const asked = { principal, action: 'approval:decide' } as const;
      const approval = await this.#require(tx.manager, { ...asked, isLocked: true }, id);
      const isChanged = await work(tx, approval);
      if (isChanged) await removeEnded(tx);
      const object = await this.#showOne(tx.manager, await this.#require(tx.manager, asked, id));
      return { object, change: isChanged ? ('UPDATED' as const) : ('UNCHANGED' as const) };
    });
    return { ...result, revision };
  }

  /** What is approved is a policy of one agent, under a name that no other has. */
  async #lift(tx: ConfigTransaction, id: string, body: Buffer): Promise<void> {
    const before = await tx.manager.findOneBy(PolicyEntity, { id });
    const version = (before?.version ?? 0) + 1;
    const now = new Date();
    const sealedBody = seal(this.#parts.keys.keyring, policyContext(id, version), body);
    const row = { id, name: `approval/${id}`, version, sealedBody, revision: tx.revision, managedBy: null };
    await tx.manager.save(PolicyEntity, { ...row, createdAt: before?.createdAt ?? now, updatedAt: now });
    tx.changed('policy', id, 'upsert');
  }

  /** @throws Fault NOT_FOUND, as of one that is not there, for what is out of reach; FORBIDDEN for what may be read alone */
  async #require(
    manager: EntityManager,
    { principal, action, isLocked }: { principal: Principal; action: Action; isLocked?: true },
    id: string,
  ): Promise<Approval> {
    const found = isUUID(id) ? await findApproval(manager, this.#parts.keys.keyring, { id, isLocked }) : undefined;
    if (found === undefined || !(isReadable(principal, found) || isInReach(principal, action, found)))
      throw new Fault('NOT_FOUND', 'There is no approval of that id');
    authorizeEach(principal, action, found.environments);
    return found;
  }
}

function isReadable(principal: Principal, approval: Approval): boolean {
  return isInReach(principal, 'approval:read', approval);
}

function isInReach(principal: Principal, action: Action, { environments }: Approval): boolean {
  return environments.every((one) => may(principal, action, one === '*' ? undefined : one));
}

/** Not the path, which may hold more than a name: the audit trail has it, sealed. */
function toldOf({ agent, host, port, method }: Approval) {
  return { agent, host: port === 443 ? host : `${host}:${port}`, method };
}

function writePlace({ askedAt, id }: ApprovalPlace): string {
  return Buffer.from(`${askedAt.getTime()}.${id}`, 'utf8').toString('base64url');
}

function readPlace(cursor: string): ApprovalPlace {
  const [, ms, id] = /^([0-9]{1,14})\.(.{36})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (ms === undefined || !isUUID(id))
    throw new Fault('INVALID', '`after` is not a cursor of this list', { field: 'after' });
  return { askedAt: new Date(Number(ms)), id: id as string };
}

function keyOf(pending: readonly ShownApproval[]): string {
  return JSON.stringify(
    pending.map(({ id, asks, askedAt, rule, covers }) => [id, asks, askedAt, rule, covers === null]),
  );
}
