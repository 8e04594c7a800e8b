import { type AuthorityKind, openAuthority } from '@onecli/shared/certificates/sealed-authority';
import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import type { AuthorityRow } from './authority.entity.ts';
import { type AuthorityHolders, holdersOf, noHolders } from './authority-holders.ts';
import { activateInput, importInput, overlapOf, retireInput, rotateInput, statusInput } from './authority-input.ts';
import {
  recordStep,
  requireOpens,
  requireOverlapOver,
  requireRetirable,
  requireTaken,
  requireUnheld,
  storeNext,
  waitingFor,
} from './authority-steps.ts';
import { readAuthorities, removeAuthorities, stateOf, storeActivation } from './authority-store.ts';
import { checkImport } from './check-import.ts';
import { makeAuthority, takeAuthority } from './make-authority.ts';
import { type AuthorityView, authorityView, trustOf } from './authority-view.ts';

/** The authorities of a kind, and how far a rotation is. */
export interface AuthoritiesView {
  readonly kind: AuthorityKind;
  readonly authorities: readonly (AuthorityView & AuthorityHolders)[];
  /** Live workers that the next step waits for: they do not hand out (or trust) the next authority, or do not sign with the active one. */
  readonly waitingFor: readonly string[];
}

export interface AuthoritiesWritten {
  readonly object: AuthoritiesView;
  readonly change: 'CREATED' | 'UPDATED' | 'DELETED' | 'UNCHANGED';
  readonly revision: number;
}

type Step = (tx: ConfigTransaction, rows: readonly AuthorityRow[]) => Promise<AuthoritiesWritten['change']>;

/**
 * The certificate authorities that agents trust, and those that agents' client certificates are issued by: one life, two kinds. A
 * rotation goes in steps that the database alone remembers: the next one is trusted beside the active one; then it signs, and the
 * one before is still trusted; then that one is gone, and its key with it.
 */
export class AuthorityService {
  readonly #database: DataSource;
  readonly #change: ChangeConfig;
  readonly #keys: Pick<InstanceKeys, 'keyring'>;

  constructor(database: DataSource, change: ChangeConfig, keys: Pick<InstanceKeys, 'keyring'>) {
    this.#database = database;
    this.#change = change;
    this.#keys = keys;
  }

  /** Everything that agents are to trust, PEM, the active authority's first. Public: it needs no principal. @throws Fault NOT_READY */
  async bundlePem(): Promise<string> {
    const rows = await readAuthorities(this.#database.manager, 'GATEWAY');
    const trusted = rows.map((row) => trustOf(this.#keys.keyring, row));
    if (trusted[0] === undefined || rows[0]?.isActive !== true)
      throw new Fault('NOT_READY', 'There is no certificate authority that opens');
    // Two intermediates may have one root.
    return [...new Set(trusted)].join('');
  }

  /** When the active authority ends, or a certificate above it; undefined when there is none or its row was altered. */
  async endOfActive(kind: AuthorityKind): Promise<Date | undefined> {
    const [active] = await readAuthorities(this.#database.manager, kind);
    try {
      return active?.isActive ? openAuthority(kind, this.#keys.keyring, active).notAfter : undefined;
    } catch {
      return undefined;
    }
  }

  /** @throws Fault FORBIDDEN, INVALID */
  async status(principal: Principal, input: unknown = {}): Promise<AuthoritiesView> {
    authorize(principal, 'authority:read');
    return this.#view(parseInput(statusInput, input).kind);
  }

  /**
   * Makes the next authority, which is trusted from now on, and which signs when the overlap is over. While there is a next one
   * already it changes nothing. @throws Fault FORBIDDEN, INVALID; CONFLICT while there is no client authority at all
   */
  async rotate(principal: Principal, input: unknown = {}): Promise<AuthoritiesWritten> {
    authorize(principal, 'authority:rotate');
    const wanted = parseInput(rotateInput, input);
    const { kind } = wanted;
    return this.#step(principal, kind, async (tx, rows) => {
      if (rows.some((row) => stateOf(row) === 'NEXT')) return 'UNCHANGED';
      if (!rows.some(({ isActive }) => isActive))
        throw new Fault(
          'CONFLICT',
          'There is no such authority yet: the first client certificate of an agent makes it',
        );
      const next = { kind, row: makeAuthority(kind, this.#keys.keyring) };
      await storeNext(tx, next, { action: 'authority:rotate', overlapHours: overlapOf(wanted) });
      return 'CREATED';
    });
  }

  /**
   * Makes an authority that somebody brings the next one of the gateway. That which is the next one already changes nothing.
   * @throws Fault FORBIDDEN, INVALID; CONFLICT while another is the next one, and for one that was used before and is not retired
   */
  async import(principal: Principal, input: unknown): Promise<AuthoritiesWritten> {
    authorize(principal, 'authority:import');
    const { overlapHours, ...brought } = parseInput(importInput, input);
    const checked = checkImport(brought, new Date());
    return this.#step(principal, 'GATEWAY', async (tx, rows) => {
      const same = rows.find(({ certificatePem }) => certificatePem === checked.certificatePem);
      if (same !== undefined && stateOf(same) === 'NEXT') return 'UNCHANGED';
      if (same !== undefined) throw new Fault('CONFLICT', `This authority is here already: it is ${stateOf(same)}`);
      if (rows.some((row) => stateOf(row) === 'NEXT'))
        throw new Fault('CONFLICT', 'There is a next authority already: activate it, or retire it by its id');
      const next = { kind: 'GATEWAY', row: takeAuthority(this.#keys.keyring, checked) } as const;
      await storeNext(tx, next, { action: 'authority:import', overlapHours });
      return 'CREATED';
    });
  }

  /**
   * Lets the next authority sign. Without one it changes nothing. @throws Fault FORBIDDEN; CONFLICT while a live worker does not
   * hand it out, or trust it, and before the overlap is over unless `isEarly`: agents that began before the rotation do not trust it
   */
  async activate(principal: Principal, input: unknown = {}): Promise<AuthoritiesWritten> {
    authorize(principal, 'authority:rotate');
    const { kind, isEarly } = parseInput(activateInput, input);
    return this.#step(principal, kind, async (tx, rows) => {
      const next = rows.find((row) => stateOf(row) === 'NEXT');
      if (next === undefined) return 'UNCHANGED';
      if (!isEarly) requireOverlapOver(kind, next);
      requireOpens(kind, this.#keys.keyring, next);
      await requireTaken(tx.manager, kind, next);
      await storeActivation(tx.manager, kind, next);
      recordStep(tx, 'authority:activate', { kind, row: next }, { isEarly });
      return 'UPDATED';
    });
  }

  /**
   * Has the authorities before the active one trusted no more and destroys their keys; or the one with an id, which may be the
   * next one. Without any it changes nothing. @throws Fault FORBIDDEN, INVALID; CONFLICT for the active one, while a live worker
   * signs with another, and while agents have client certificates by it unless `isForced`
   */
  async retire(principal: Principal, input: unknown = {}): Promise<AuthoritiesWritten> {
    authorize(principal, 'authority:rotate');
    const { kind, id, isForced } = parseInput(retireInput, input);
    return this.#step(principal, kind, async (tx, rows) => {
      const retired = rows.filter((row) => (id === undefined ? stateOf(row) === 'PREVIOUS' : row.id === id));
      if (retired.length === 0) return 'UNCHANGED';
      await requireRetirable(tx.manager, kind, retired, rows);
      const cutOff = kind === 'CLIENT' ? { isForced, agents: await requireUnheld(tx.manager, retired, isForced) } : {};
      await removeAuthorities(tx.manager, kind, retired);
      for (const row of retired) recordStep(tx, 'authority:retire', { kind, row }, { state: stateOf(row), ...cutOff });
      return 'DELETED';
    });
  }

  async #step(principal: Principal, kind: AuthorityKind, step: Step): Promise<AuthoritiesWritten> {
    const { result: change, revision } = await this.#change.changeConfig(principal, async (tx) =>
      step(tx, await readAuthorities(tx.manager, kind)),
    );
    return { object: await this.#view(kind), change, revision };
  }

  async #view(kind: AuthorityKind): Promise<AuthoritiesView> {
    const { manager } = this.#database;
    const rows = await readAuthorities(manager, kind);
    const authorities = rows.map(async (row) => ({
      ...authorityView(kind, this.#keys.keyring, row),
      ...(kind === 'CLIENT' ? await holdersOf(manager, row.id) : noHolders),
    }));
    return {
      kind,
      authorities: await Promise.all(authorities),
      waitingFor: await waitingFor(manager, kind, rows),
    };
  }
}
