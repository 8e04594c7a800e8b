import { isDeepStrictEqual } from 'node:util';
import { Fault } from '@onecli/shared/fault';
import type { EntityManager } from 'typeorm';
import type { ChangeConfig, ConfigTransaction } from '../../configuration/change-config.ts';
import { notThere, type ObjectRef } from '../../configuration/object-ref.ts';
import type { Page, PageRequest } from '../../configuration/page.ts';
import { parseInput } from '../../configuration/parse-input.ts';
import type { Removed, WriteOptions, Written } from '../../configuration/written.ts';
import type { Action } from '../actions.ts';
import { authorize, may } from '../authorize.ts';
import { covers, requireCover } from '../covers.ts';
import type { Assignment, Principal } from '../principal.ts';
import { invitationInput, userUpdateInput } from './user-input.ts';
import type { UserLink, UserLinks } from './user-links.ts';
import { isOwner, type UserRow, type UserStore } from './user-store.ts';

/** A user as he is shown. */
export interface UserView {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Assignment[];
  /** `invited`: no password yet, or it was reset. */
  readonly state: 'active' | 'invited' | 'disabled';
  /** Came back by a restore: whatever his state is, he is let in by nothing until that is confirmed. */
  readonly isHeld: boolean;
  readonly signedInAt: Date | null;
  /** That last wrote it. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A user, and the link by which he sets his password. */
export interface WrittenUser extends Written<UserView> {
  readonly link: UserLink;
}

const invitationSeconds = 3 * 24 * 3600;
const resetSeconds = 24 * 3600;
const defaultLimit = 50;

/** The people who may call the API. Nobody makes, changes or takes over one who may do more than himself. */
export class UserService {
  readonly #users: UserStore;
  readonly #links: UserLinks;
  readonly #change: ChangeConfig;

  constructor(users: UserStore, links: UserLinks, change: ChangeConfig) {
    this.#users = users;
    this.#links = links;
    this.#change = change;
  }

  /** One page, in the order of names. */
  async list(principal: Principal, { after, limit = defaultLimit }: PageRequest = {}): Promise<Page<UserView>> {
    authorize(principal, 'user:read');
    const rows = await this.#users.list(after, limit + 1);
    const items = rows.slice(0, limit).map(viewUser);
    return { items, next: rows.length > limit ? items.at(-1)?.name : undefined };
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, ref: ObjectRef): Promise<UserView> {
    authorize(principal, 'user:read');
    return viewUser(await this.#require(ref));
  }

  /** Makes a user without a password, and the link by which he sets one within three days. @throws Fault INVALID, NAME_TAKEN */
  async invite(principal: Principal, input: unknown): Promise<WrittenUser> {
    authorize(principal, 'user:create');
    const { name, roles } = parseInput(invitationInput, input);
    requireCover(principal, 'user:create', roles);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      if (await this.#users.find(name, tx.manager)) throw new Fault('NAME_TAKEN', `The user ${name} exists`);
      const user = await this.#users.insert(tx, name, roles);
      tx.audit('user:create', 'user', name, { after: { roles } });
      return { object: viewUser(user), link: await this.#links.make(tx.manager, user.id, invitationSeconds) };
    });
    return { ...result, change: 'CREATED', revision };
  }

  /**
   * Changes roles and state; whoever is disabled is out at once. One who is held can be disabled and have other roles, and is not enabled.
   * @throws Fault INVALID, NOT_FOUND, LAST_OWNER, CONFLICT
   */
  async update(
    principal: Principal,
    ref: ObjectRef,
    input: unknown,
    options: WriteOptions = {},
  ): Promise<Written<UserView>> {
    authorize(principal, 'user:update');
    const { roles, isDisabled } = parseInput(userUpdateInput, input);
    if (roles !== undefined) requireCover(principal, 'user:update', roles);
    const work = async (tx: ConfigTransaction) => {
      const user = await this.#requireCovered(tx.manager, principal, 'user:update', ref);
      if (isDisabled === false) requireNotHeld(user);
      const after = { assignments: roles ?? user.assignments, isDisabled: isDisabled ?? user.isDisabled };
      const [was, is] = [shownOf(user), shownOf(after)];
      const fields = (['roles', 'isDisabled'] as const).filter((field) => !isDeepStrictEqual(was[field], is[field]));
      if (fields.length === 0) return { object: viewUser(user), change: 'UNCHANGED' as const };
      tx.checkRevision('user', user);
      if (!isOwner(after) || after.isDisabled) await this.#requireOtherOwner(tx.manager, user);
      const written = await this.#users.update(tx, user, after);
      if (after.isDisabled) await tx.manager.query('DELETE FROM user_session WHERE user_id = $1', [user.id]);
      tx.audit('user:update', 'user', user.name, { fields, before: pick(was, fields), after: pick(is, fields) });
      return { object: viewUser(written), change: 'UPDATED' as const };
    };
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { ...result, revision };
  }

  /**
   * Takes a user's password away, ends his sessions, and gives the link by which he sets another within a day.
   * @throws Fault NOT_FOUND, LAST_OWNER, CONFLICT
   */
  async reset(principal: Principal, ref: ObjectRef, options: WriteOptions = {}): Promise<WrittenUser> {
    authorize(principal, 'user:update');
    const work = async (tx: ConfigTransaction) => {
      const user = await this.#requireCovered(tx.manager, principal, 'user:update', ref);
      const { name } = user;
      tx.checkRevision('user', user);
      requireNotHeld(user);
      if (user.isDisabled) throw new Fault('CONFLICT', `The user ${name} is disabled: enable him first`);
      await this.#requireOtherOwner(tx.manager, user);
      await this.#users.setPassword(tx, user.id, null);
      tx.audit('user:update', 'user', name, { fields: ['password'] });
      const link = await this.#links.make(tx.manager, user.id, resetSeconds);
      return { object: viewUser(await this.#require(name, tx.manager)), link };
    };
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { ...result, change: 'UPDATED', revision };
  }

  /** Removes a user with his sessions and keys; one that is absent is fine. @throws Fault LAST_OWNER, CONFLICT */
  async remove(principal: Principal, ref: ObjectRef, options: WriteOptions = {}): Promise<Removed> {
    authorize(principal, 'user:delete');
    const work = async (tx: ConfigTransaction) => {
      const user = await this.#findCovered(tx.manager, principal, 'user:delete', ref);
      if (user === undefined) return 'UNCHANGED';
      tx.checkRevision('user', user);
      await this.#requireOtherOwner(tx.manager, user);
      await this.#users.remove(tx, user.id);
      tx.audit('user:delete', 'user', user.name, { before: { roles: user.assignments } });
      return 'DELETED';
    };
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { change: result, revision };
  }

  async #require(ref: ObjectRef, manager?: EntityManager): Promise<UserRow> {
    const user = await this.#users.findNamed(ref, manager);
    if (user === undefined) throw notThere('user', ref);
    return user;
  }

  /** A user who may do no more than the principal. By an id nobody else is there for one who may read no users. */
  async #findCovered(
    manager: EntityManager,
    principal: Principal,
    action: Action,
    ref: ObjectRef,
  ): Promise<UserRow | undefined> {
    const user = await this.#users.findNamed(ref, manager);
    if (user === undefined) return undefined;
    const isSeen = typeof ref === 'string' || may(principal, 'user:read') || covers(principal, user.assignments);
    if (!isSeen) return undefined;
    requireCover(principal, action, user.assignments);
    return user;
  }

  async #requireCovered(
    manager: EntityManager,
    principal: Principal,
    action: Action,
    ref: ObjectRef,
  ): Promise<UserRow> {
    const user = await this.#findCovered(manager, principal, action, ref);
    if (user === undefined) throw notThere('user', ref);
    return user;
  }

  /** Changes come one after the other, so that two owners cannot remove each other at once. */
  async #requireOtherOwner(manager: EntityManager, user: UserRow): Promise<void> {
    if (!isOwner(user) || user.isDisabled || user.isHeld || user.passwordHash === null) return;
    if ((await this.#users.countOtherOwners(manager, user.id)) > 0) return;
    throw new Fault('LAST_OWNER', `${user.name} is the last owner who can sign in`);
  }
}

/** What is shown of an account. */
export function viewUser({ id, name, assignments, isDisabled, isHeld, passwordHash, ...times }: UserRow): UserView {
  const { signedInAt, revision, createdAt, updatedAt } = times;
  const state = isDisabled ? 'disabled' : passwordHash === null ? 'invited' : 'active';
  return { id, name, roles: assignments, state, isHeld, signedInAt, revision, createdAt, updatedAt };
}

/** Nothing but the confirmation lets him in. @throws Fault CONFLICT */
function requireNotHeld({ name, isHeld }: UserRow): void {
  if (isHeld)
    throw new Fault('CONFLICT', `The user ${name} is held until the restore is confirmed: onecli restore --confirm`);
}

function shownOf({ assignments, isDisabled }: Pick<UserRow, 'assignments' | 'isDisabled'>) {
  return { roles: assignments, isDisabled };
}

function pick<T extends object>(from: T, fields: readonly (keyof T)[]): Partial<T> {
  return Object.fromEntries(fields.map((field) => [field, from[field]])) as Partial<T>;
}
