import { X509Certificate } from 'node:crypto';
import { openAuthority } from '@onecli/shared/certificates/sealed-authority';
import type { AuthorityRecord } from '@onecli/shared/domain/snapshot';
import { Fault } from '@onecli/shared/fault';
import type { DataSource, EntityManager } from 'typeorm';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig, ConfigTransaction } from '../configuration/change-config.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { activateInput, importInput, retireInput, rotateInput } from './authority-input.ts';
import { AuthorityEntity, type AuthorityRow } from './authority.entity.ts';
import {
  readAuthorities,
  removeAuthorities,
  stateOf,
  storeActivation,
  workersNotSigningWith,
  workersWithout,
} from './authority-store.ts';
import { checkImport } from './check-import.ts';
import { makeAuthority, takeAuthority } from './make-authority.ts';
import { type AuthorityView, authorityView, trustOf } from './authority-view.ts';

const hourMs = 3_600_000;

/** The authorities that agents trust, and how far a rotation is. */
export interface AuthoritiesView {
  readonly authorities: readonly AuthorityView[];
  /** Live workers that the next step waits for: they do not hand out the next authority, or do not sign with the active one. */
  readonly waitingFor: readonly string[];
}

export interface AuthoritiesWritten {
  readonly object: AuthoritiesView;
  readonly change: 'CREATED' | 'UPDATED' | 'DELETED' | 'UNCHANGED';
  readonly revision: number;
}

type Step = (tx: ConfigTransaction, rows: readonly AuthorityRow[]) => Promise<AuthoritiesWritten['change']>;

/**
 * The certificate authorities that agents trust. A rotation goes in steps that the database alone remembers: the next one is handed
 * out beside the active one; then it signs, and the one before is still handed out; then that one is gone, and its key with it.
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
    const rows = await readAuthorities(this.#database.manager);
    const trusted = rows.map((row) => trustOf(this.#keys.keyring, row));
    if (trusted[0] === undefined || rows[0]?.isActive !== true)
      throw new Fault('NOT_READY', 'There is no certificate authority that opens');
    // Two intermediates may have one root.
    return [...new Set(trusted)].join('');
  }

  /** When the active authority ends, or a certificate above it; undefined when its row was altered. */
  async endOfActive(): Promise<Date | undefined> {
    const [active] = await readAuthorities(this.#database.manager);
    try {
      return active && openAuthority(this.#keys.keyring, active).notAfter;
    } catch {
      return undefined;
    }
  }

  /** @throws Fault FORBIDDEN */
  async status(principal: Principal): Promise<AuthoritiesView> {
    authorize(principal, 'authority:read');
    return this.#view();
  }

  /**
   * Makes the next authority, which agents are given to trust from now on, and which signs when the overlap is over. While there
   * is a next one already it changes nothing. @throws Fault FORBIDDEN, INVALID
   */
  async rotate(principal: Principal, input: unknown = {}): Promise<AuthoritiesWritten> {
    authorize(principal, 'authority:rotate');
    const { overlapHours } = parseInput(rotateInput, input);
    return this.#step(principal, async (tx, rows) => {
      if (rows.some((row) => stateOf(row) === 'NEXT')) return 'UNCHANGED';
      await storeNext(tx, makeAuthority(this.#keys.keyring), { action: 'authority:rotate', overlapHours });
      return 'CREATED';
    });
  }

  /**
   * Makes an authority that somebody brings the next one. That which is the next one already changes nothing.
   * @throws Fault FORBIDDEN, INVALID; CONFLICT while another is the next one, and for one that was used before and is not retired
   */
  async import(principal: Principal, input: unknown): Promise<AuthoritiesWritten> {
    authorize(principal, 'authority:import');
    const { overlapHours, ...brought } = parseInput(importInput, input);
    const checked = checkImport(brought, new Date());
    return this.#step(principal, async (tx, rows) => {
      const same = rows.find(({ certificatePem }) => certificatePem === checked.certificatePem);
      if (same !== undefined && stateOf(same) === 'NEXT') return 'UNCHANGED';
      if (same !== undefined) throw new Fault('CONFLICT', `This authority is here already: it is ${stateOf(same)}`);
      if (rows.some((row) => stateOf(row) === 'NEXT'))
        throw new Fault('CONFLICT', 'There is a next authority already: activate it, or retire it by its id');
      await storeNext(tx, takeAuthority(this.#keys.keyring, checked), { action: 'authority:import', overlapHours });
      return 'CREATED';
    });
  }

  /**
   * Lets the next authority sign. Without one it changes nothing. @throws Fault FORBIDDEN; CONFLICT while a live worker does not
   * hand it out, and before the overlap is over unless `isEarly`: agents that began before the rotation do not trust it
   */
  async activate(principal: Principal, input: unknown = {}): Promise<AuthoritiesWritten> {
    authorize(principal, 'authority:rotate');
    const { isEarly } = parseInput(activateInput, input);
    return this.#step(principal, async (tx, rows) => {
      const next = rows.find((row) => stateOf(row) === 'NEXT');
      if (next === undefined) return 'UNCHANGED';
      if (!isEarly) requireOverlapOver(next);
      this.#requireOpens(next);
      requireNone(await workersWithout(tx.manager, next.id), 'do not hand out the next authority yet');
      await storeActivation(tx.manager, next);
      record(tx, 'authority:activate', next, { isEarly });
      return 'UPDATED';
    });
  }

  /**
   * Takes the authorities before the active one out of the bundle and destroys their keys; or the one with an id, which may be the
   * next one. Without any it changes nothing. @throws Fault FORBIDDEN, INVALID; CONFLICT for the active one, and while a live
   * worker signs with another
   */
  async retire(principal: Principal, input: unknown = {}): Promise<AuthoritiesWritten> {
    authorize(principal, 'authority:rotate');
    const { id } = parseInput(retireInput, input);
    return this.#step(principal, async (tx, rows) => {
      const retired = rows.filter((row) => (id === undefined ? stateOf(row) === 'PREVIOUS' : row.id === id));
      if (retired.length === 0) return 'UNCHANGED';
      if (retired.some(({ isActive }) => isActive))
        throw new Fault('CONFLICT', 'This authority signs: rotate, and activate the next one first', { field: 'id' });
      await requireRetirable(tx.manager, retired, rows);
      await removeAuthorities(tx.manager, retired);
      for (const row of retired) record(tx, 'authority:retire', row, { state: stateOf(row) });
      return 'DELETED';
    });
  }

  async #step(principal: Principal, step: Step): Promise<AuthoritiesWritten> {
    const { result: change, revision } = await this.#change.changeConfig(principal, async (tx) =>
      step(tx, await readAuthorities(tx.manager)),
    );
    return { object: await this.#view(), change, revision };
  }

  #requireOpens(next: AuthorityRow): void {
    try {
      const { notAfter } = openAuthority(this.#keys.keyring, next);
      if (notAfter > new Date()) return;
    } catch (cause) {
      throw new Fault('CONFLICT', 'The row of the next authority was altered: retire it and rotate anew', { cause });
    }
    throw new Fault('CONFLICT', 'The next authority has expired: retire it and rotate anew');
  }

  async #view(): Promise<AuthoritiesView> {
    const { manager } = this.#database;
    const rows = await readAuthorities(manager);
    return {
      authorities: rows.map((row) => authorityView(this.#keys.keyring, row)),
      waitingFor: await waitingFor(manager, rows),
    };
  }
}

async function storeNext(
  tx: ConfigTransaction,
  next: AuthorityRecord,
  { action, overlapHours }: { readonly action: string; readonly overlapHours: number },
): Promise<void> {
  const now = Date.now();
  const activatesAt = new Date(now + overlapHours * hourMs);
  await tx.manager.insert(AuthorityEntity, { ...next, isActive: false, createdAt: new Date(now), activatesAt });
  record(tx, action, next, { activatesAt: activatesAt.toISOString() });
}

function record(
  tx: ConfigTransaction,
  action: string,
  { id, certificatePem }: Pick<AuthorityRow, 'id' | 'certificatePem'>,
  detail: Readonly<Record<string, unknown>>,
): void {
  tx.changed('authority', id, action === 'authority:retire' ? 'remove' : 'upsert');
  tx.audit(action, 'authority', id, { ...detail, fingerprint: fingerprintOf(certificatePem) });
}

function fingerprintOf(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return '';
  }
}

function requireOverlapOver({ activatesAt, createdAt }: AuthorityRow): void {
  if (activatesAt === null || activatesAt <= new Date()) return;
  throw new Fault(
    'CONFLICT',
    `The overlap lasts until ${activatesAt.toISOString()}: agents that were given their authorities before ${createdAt.toISOString()} do not trust the next one. If none of them runs any more, activate it early`,
    { field: 'isEarly' },
  );
}

function requireNone(workers: readonly string[], what: string): void {
  if (workers.length > 0) throw new Fault('CONFLICT', `Live workers ${what}: ${workers.join(', ')}`);
}

async function requireRetirable(
  manager: EntityManager,
  retired: readonly AuthorityRow[],
  rows: readonly AuthorityRow[],
): Promise<void> {
  const active = rows.find(({ isActive }) => isActive);
  if (active === undefined || retired.every((row) => stateOf(row) === 'NEXT')) return;
  requireNone(await workersNotSigningWith(manager, active.id), 'do not sign with the active authority yet');
}

async function waitingFor(manager: EntityManager, rows: readonly AuthorityRow[]): Promise<string[]> {
  const next = rows.find((row) => stateOf(row) === 'NEXT');
  if (next !== undefined) return workersWithout(manager, next.id);
  const active = rows.find(({ isActive }) => isActive);
  return active !== undefined && rows.length > 1 ? workersNotSigningWith(manager, active.id) : [];
}
