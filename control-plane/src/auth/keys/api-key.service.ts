import { Fault } from '@onecli/shared/fault';
import type { ChangeConfig, ConfigTransaction } from '../../configuration/change-config.ts';
import type { ObjectRef } from '../../configuration/object-ref.ts';
import type { Page, PageRequest } from '../../configuration/page.ts';
import { invalidField, parseInput } from '../../configuration/parse-input.ts';
import type { Removed, WriteOptions, Written } from '../../configuration/written.ts';
import type { z } from 'zod';
import { authorize, may, Refusal } from '../authorize.ts';
import { covers } from '../covers.ts';
import type { Principal } from '../principal.ts';
import { newApiKeyInput } from './api-key-input.ts';
import { type ApiKeyStore, type ApiKeyView, everybody } from './api-key-store.ts';

/** A key, and its text: it is told this once and kept nowhere. */
export interface WrittenApiKey extends Written<ApiKeyView> {
  readonly token: string;
}

const dayMs = 24 * 3600 * 1000;
const defaultLimit = 50;
/** Of one user, that are not over. */
const maxKeys = 50;

/** API keys. A key is its maker's, and can never do more than he could at the time of the call. */
export class ApiKeyService {
  readonly #keys: ApiKeyStore;
  readonly #change: ChangeConfig;

  constructor(keys: ApiKeyStore, change: ChangeConfig) {
    this.#keys = keys;
    this.#change = change;
  }

  /** One page of the caller's own keys, or of everybody's, in the order of names. @throws Fault FORBIDDEN */
  async list(
    principal: Principal,
    { after, limit = defaultLimit, all = false }: PageRequest & { readonly all?: boolean | undefined } = {},
  ): Promise<Page<ApiKeyView>> {
    authorize(principal, all ? 'api-key:read' : 'own:api-key');
    const rows = await this.#keys.list(all ? everybody : (principal.userId ?? null), after, limit + 1);
    const items = rows.slice(0, limit);
    return { items, next: rows.length > limit ? items.at(-1)?.name : undefined };
  }

  /** @throws Fault FORBIDDEN, NOT_FOUND; the key of somebody else is not there for whoever may not read all */
  async get(principal: Principal, ref: ObjectRef): Promise<ApiKeyView> {
    authorize(principal, 'own:api-key');
    const found = await this.#keys.get(ref);
    if (found === undefined || (!isOwn(principal, found.ownerId) && !may(principal, 'api-key:read')))
      throw new Fault('NOT_FOUND', 'There is no such API key of yours');
    return found.view;
  }

  /** Makes a key of the caller's. @throws Fault INVALID, NAME_TAKEN, FORBIDDEN for one that could do more than the caller */
  async create(principal: Principal, input: unknown): Promise<WrittenApiKey> {
    authorize(principal, 'own:api-key');
    const { expiresInDays, ...key } = parseInput(newApiKeyInput, input);
    requireWithin(principal, key);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const { name } = key;
      if (await this.#keys.get(name, tx.manager)) throw new Fault('NAME_TAKEN', `The API key ${name} exists`);
      if (principal.userId !== undefined && (await this.#keys.countLive(tx.manager, principal.userId)) >= maxKeys)
        throw new Fault('CONFLICT', `You have ${maxKeys} API keys that are not over: revoke one that is not used`);
      const expiresAt = endOf(expiresInDays, principal.limits?.expiresAt);
      const token = await this.#keys.insert(tx, principal.userId, { ...key, expiresAt, madeBy: principal.keyId });
      const made = await this.#keys.get(name, tx.manager);
      if (made === undefined) throw new Error('An API key that was just written is not there');
      const { roles, actions, environments } = key;
      tx.audit('own:api-key', 'api-key', name, { after: { roles, actions, environments, expiresAt } });
      return { object: made.view, token };
    });
    return { ...result, change: 'CREATED', revision };
  }

  /** Ends a key at once, and all that it made; one that is absent is fine. @throws Fault FORBIDDEN for somebody else's, CONFLICT */
  async revoke(principal: Principal, ref: ObjectRef, options: WriteOptions = {}): Promise<Removed> {
    authorize(principal, 'own:api-key');
    const work = async (tx: ConfigTransaction) => {
      const found = await this.#keys.get(ref, tx.manager);
      if (found === undefined || !isOwn(principal, found.ownerId)) authorize(principal, 'api-key:revoke');
      if (found === undefined) return 'UNCHANGED';
      tx.checkRevision('api-key', found.view);
      const { name, owner } = found.view;
      const others = await this.#keys.remove(tx, name);
      tx.audit('api-key:revoke', 'api-key', name, { owner });
      for (const other of others) tx.audit('api-key:revoke', 'api-key', other, { owner, with: name });
      return 'DELETED';
    };
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { change: result, revision };
  }
}

/** A key that makes a key gives it no more than it has itself, also when its owner may do more. */
function requireWithin(principal: Principal, key: Omit<z.output<typeof newApiKeyInput>, 'expiresInDays'>): void {
  const actions = key.actions === null ? undefined : new Set(key.actions);
  if (key.roles !== null && !covers(principal, key.roles, actions))
    throw new Refusal('own:api-key', 'These roles are more than your own');
  const { limits } = principal;
  if (limits === undefined) return;
  if (key.roles === null) throw invalidField('roles', 'must be given: a key hands on no more than it has');
  if (limits.actions !== undefined && !key.actions?.every((action) => limits.actions?.has(action)))
    throw invalidField('actions', 'must be among those of the key that makes it');
  if (limits.environments !== undefined && !key.environments?.every((name) => limits.environments?.has(name)))
    throw invalidField('environments', 'must be among those of the key that makes it');
}

/** When a new key ends: not later than the key that makes it, or that one could go on for ever as another. */
function endOf(days: number | null, latest: Date | undefined): Date | null {
  const wanted = days === null ? Number.POSITIVE_INFINITY : Date.now() + days * dayMs;
  const endMs = Math.min(wanted, latest?.getTime() ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(endMs) ? new Date(endMs) : null;
}

function isOwn(principal: Principal, ownerId: string | null): boolean {
  return ownerId === (principal.userId ?? null) && (ownerId !== null || principal.kind === 'local');
}
