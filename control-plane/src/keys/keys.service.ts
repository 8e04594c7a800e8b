import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import { isUnderWay } from './key-rotation.ts';
import {
  countSealed,
  highestTerm,
  type KeyHolder,
  keysChanged,
  readHolders,
  readTerms,
  type SealedCount,
  type TermView,
} from './key-store.ts';
import type { KeyTerms } from './key-terms.ts';
import { type BatchPlace, firstPlace, tryBatch, type Unopenable } from './rewrap-batch.ts';
import { sealedColumns } from './sealed-columns.ts';

/**
 * How far a rotation is. IDLE: there is none. WAITING: processes learn the new term. MOVING: values are moved to it. BLOCKED: the
 * values that are left do not open, and keep the old term alive.
 */
export type RotationState = 'IDLE' | 'WAITING' | 'MOVING' | 'BLOCKED';

/** The keys of the instance. No key is in it. */
export interface KeysView {
  readonly sealingTerm: number;
  readonly rotation: RotationState;
  /** Sealed values in all, and those that are under the sealing term. */
  readonly total: number;
  readonly current: number;
  readonly terms: readonly TermView[];
  readonly sealed: readonly SealedCount[];
  readonly holders: readonly KeyHolder[];
  /** Live processes, by name, that the rotation waits for: they cannot open the newest term. */
  readonly waitingFor: readonly string[];
  /** Values that do not open, as `table row version`. */
  readonly unopenable: readonly string[];
  /** Those of them that are versions of secrets, by name. */
  readonly damaged: readonly DamagedVersion[];
}

/** A version of a secret that does not open: it is destroyed, or put anew and then destroyed where it is the current one. */
export interface DamagedVersion {
  readonly secret: string;
  readonly version: number;
  readonly isCurrent: boolean;
}

export interface RotationStarted {
  readonly object: KeysView;
  readonly change: 'CREATED' | 'UNCHANGED';
  readonly revision: number;
}

/** The key terms, for those who may look at them and replace them. */
export class KeysService {
  readonly #database: DataSource;
  readonly #change: ChangeConfig;
  readonly #terms: KeyTerms;
  #look: Look | undefined;

  constructor(database: DataSource, change: ChangeConfig, terms: KeyTerms) {
    this.#database = database;
    this.#change = change;
    this.#terms = terms;
  }

  /** @throws Fault FORBIDDEN */
  async status(principal: Principal): Promise<KeysView> {
    authorize(principal, 'keys:read');
    return this.#view();
  }

  /**
   * Announces a new term; the rest happens in the background. While a rotation is under way it changes nothing.
   * @throws Fault FORBIDDEN; NOT_READY when this process was started with a master key that was replaced
   */
  async rotate(principal: Principal): Promise<RotationStarted> {
    authorize(principal, 'keys:rotate');
    const { result: change, revision } = await this.#change.changeConfig(principal, async (tx) => {
      if (!this.#terms.isMasterKeyCurrent)
        throw new Fault('NOT_READY', 'The master key was replaced: restart this control plane with the new one');
      if ((await readTerms(tx.manager)).some(isUnderWay)) return 'UNCHANGED' as const;
      const { term, wrappedKey } = this.#terms.keyring.wrapNewTerm(await highestTerm(tx.manager));
      await tx.manager.query('INSERT INTO key_term (term, wrapped_key, activated_at) VALUES ($1, $2, NULL)', [
        term,
        wrappedKey,
      ]);
      await tx.manager.query('UPDATE config_state SET highest_term = $1', [term]);
      await keysChanged(tx.manager);
      tx.audit('keys:rotate', 'keys', `term ${term}`);
      return 'CREATED' as const;
    });
    return { object: await this.#view(), change, revision };
  }

  async #view(): Promise<KeysView> {
    const { manager } = this.#database;
    const [terms, sealed, holders] = await Promise.all([
      readTerms(manager),
      countSealed(manager),
      readHolders(manager),
    ]);
    const sealingTerm = sealingTermOf(terms);
    const newest = terms.at(-1)?.term ?? 0;
    const waitingFor = terms.some(isUnderWay)
      ? holders.filter((holder) => holder.terms?.includes(newest) !== true)
      : [];
    const sum = (counts: readonly SealedCount[]) => counts.reduce((all, { count }) => all + count, 0);
    const total = sum(sealed);
    const current = sum(sealed.filter(({ term }) => term === sealingTerm));
    const isMoving = terms.some(({ state }) => state === 'OPENING');
    const left = total - current;
    const { count, named } = isMoving && left > 0 ? await this.#unopenable(terms, left) : { count: 0, named: [] };
    return {
      sealingTerm,
      rotation: rotationOf(terms, left, count),
      total,
      current,
      terms,
      sealed,
      holders,
      waitingFor: waitingFor.map(({ name }) => name),
      unopenable: named.map(({ column, id, version }) => `${column.table} ${id} ${version}`),
      damaged: await this.#damaged(named),
    };
  }

  /** What was found last, while as many are left: all of a million that do not open are tried once for all who ask. */
  #unopenable(terms: readonly TermView[], left: number): Promise<Found> {
    const of = `${left} ${terms.map(({ term, state }) => `${term} ${state}`).join()}`;
    if (this.#look?.of === of && performance.now() < this.#look.untilMs) return this.#look.found;
    const look: Look = { of, found: this.#tryAll(terms), untilMs: Number.POSITIVE_INFINITY };
    this.#look = look;
    const keep = (forMs: number) => () => void (look.untilMs = performance.now() + forMs);
    look.found.then(keep(keptMs), keep(0));
    return look.found;
  }

  /** What is left and does not open. Once one opens, values are being moved: nobody asks yet what will be left of many. */
  async #tryAll(terms: readonly TermView[]): Promise<Found> {
    const { manager } = this.#database;
    const stored = new Set(terms.map(({ term }) => term));
    const term = sealingTermOf(terms);
    const named: Unopenable[] = [];
    let [tried, count] = [0, 0];
    for (const column of sealedColumns)
      for (let after: BatchPlace | undefined = firstPlace; after !== undefined; ) {
        const batch = await tryBatch(manager, this.#terms.keyring, column, { stored, term, after, limit: triedAtOnce });
        after = batch.next;
        tried += batch.count;
        count += batch.unopenable.length;
        named.push(...batch.unopenable.slice(0, mostNamed - named.length));
        if (count < tried && tried >= triedAtOnce) return { count, named };
      }
    return { count, named };
  }

  async #damaged(unopenable: readonly Unopenable[]): Promise<DamagedVersion[]> {
    const versions = unopenable.filter(({ column }) => column.table === 'secret_version');
    return this.#database.query<DamagedVersion[]>(
      `SELECT DISTINCT s.name AS secret, d.version, d.version = s.current_version AS "isCurrent"
       FROM unnest($1::uuid[], $2::integer[]) AS d(id, version) JOIN secret s ON s.id = d.id
       JOIN secret_version v ON v.secret_id = d.id AND v.version = d.version ORDER BY 1, 2`,
      [versions.map(({ id }) => id), versions.map(({ version }) => version)],
    );
  }
}

/** What of the values that are left does not open. */
interface Found {
  readonly count: number;
  readonly named: readonly Unopenable[];
}

interface Look {
  /** Of how many values under which terms. */
  readonly of: string;
  readonly found: Promise<Found>;
  untilMs: number;
}

const mostNamed = 20;
const triedAtOnce = 1_000;
const keptMs = 5_000;

function sealingTermOf(terms: readonly TermView[]): number {
  return terms.find(({ state }) => state === 'SEALING')?.term ?? 0;
}

function rotationOf(terms: readonly TermView[], left: number, unopenable: number): RotationState {
  if (terms.some(({ state }) => state === 'ANNOUNCED')) return 'WAITING';
  if (terms.every(({ state }) => state !== 'OPENING')) return 'IDLE';
  return left > 0 && left <= unopenable ? 'BLOCKED' : 'MOVING';
}
