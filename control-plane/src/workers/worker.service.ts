import { isPlainName } from '@onecli/shared/domain/names';
import { Fault } from '@onecli/shared/fault';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import type { Page, PageRequest } from '../configuration/page.ts';
import type { Removed } from '../configuration/written.ts';
import { follow } from '../subscriptions/follow.ts';
import { SharedPoll } from '../subscriptions/shared-poll.ts';
import type { RevisionView, WorkerStore, WorkerView } from './worker-store.ts';

const lookEveryMs = 200;
const maxFollowed = 200;

/** The workers, for those who may look at them. */
export class WorkerService {
  readonly #store: WorkerStore;
  readonly #change: ChangeConfig;
  readonly #revisions: SharedPoll<number>;
  readonly #workers: SharedPoll<readonly WorkerView[]>;

  constructor(store: WorkerStore, change: ChangeConfig) {
    this.#store = store;
    this.#change = change;
    this.#revisions = new SharedPoll(lookEveryMs, () => store.revision(), String);
    this.#workers = new SharedPoll(lookEveryMs, () => this.#followed(), keyOf);
  }

  /** One page, in the order of names. @throws Fault FORBIDDEN */
  async list(principal: Principal, request: PageRequest = {}): Promise<Page<WorkerView>> {
    authorize(principal, 'worker:read');
    return this.#store.list(request);
  }

  /**
   * Takes a silent worker to be gone: it is not named any more, and a write is everywhere without it. One that is heard of again is known
   * again. Nothing is forgotten of what it audited, or owes. One that is absent is fine. @throws Fault CONFLICT for one that still reports
   */
  async forget(principal: Principal, name: string): Promise<Removed> {
    authorize(principal, 'worker:forget');
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const last = isPlainName(name) ? await this.#store.lock(tx.manager, name) : undefined;
      if (last === undefined) return 'UNCHANGED';
      if (!(await this.#store.forget(tx.manager, name)))
        throw new Fault('CONFLICT', `The worker ${name} was heard of within the last ten seconds: stop it first`);
      const { bootId, appliedRevision, seenAt } = last;
      tx.audit('worker:forget', 'worker', name, { bootId, appliedRevision, seenAt });
      return 'DELETED';
    });
    return { change: result, revision };
  }

  /** The revision of the configuration that is committed now. @throws Fault FORBIDDEN */
  async revision(principal: Principal): Promise<number> {
    authorize(principal, 'worker:read');
    return this.#store.revision();
  }

  /** Every revision after one, or from now on, and what it changed: who did what belongs to every environment. @throws Fault FORBIDDEN */
  async followRevisions(caller: () => Principal, after: number | undefined): Promise<AsyncGenerator<RevisionView>> {
    authorize(caller(), 'audit:read');
    let last = after ?? (await this.#store.revision());
    return follow({
      poll: this.#revisions,
      authorize: () => authorize(caller(), 'audit:read'),
      next: async () => {
        const found = await this.#store.revisionsAfter(last);
        last = found.at(-1)?.revision ?? last;
        return found;
      },
    });
  }

  /** The first 200 workers, now and whenever one of them has applied another revision, came or went. @throws Fault FORBIDDEN */
  followWorkers(caller: () => Principal): AsyncGenerator<readonly WorkerView[]> {
    authorize(caller(), 'worker:read');
    let given: readonly WorkerView[] | undefined;
    return follow({
      poll: this.#workers,
      authorize: () => authorize(caller(), 'worker:read'),
      next: (workers) => {
        if (workers === undefined || workers === given) return [];
        given = workers;
        return [workers];
      },
    });
  }

  async #followed(): Promise<readonly WorkerView[]> {
    return (await this.#store.list({ limit: maxFollowed })).items;
  }
}

/** What tells a follower's view of the workers from another: the times at which they reported do not. */
function keyOf(workers: readonly WorkerView[]): string {
  return JSON.stringify(
    workers.map(({ name, bootId, appliedRevision, isLive }) => [name, bootId, appliedRevision, isLive]),
  );
}
