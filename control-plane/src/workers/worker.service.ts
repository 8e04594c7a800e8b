import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { Page, PageRequest } from '../configuration/page.ts';
import { follow } from '../subscriptions/follow.ts';
import { SharedPoll } from '../subscriptions/shared-poll.ts';
import type { RevisionView, WorkerStore, WorkerView } from './worker-store.ts';

const lookEveryMs = 200;
const maxFollowed = 200;

/** The workers, for those who may look at them. */
export class WorkerService {
  readonly #store: WorkerStore;
  readonly #revisions: SharedPoll<number>;
  readonly #workers: SharedPoll<readonly WorkerView[]>;

  constructor(store: WorkerStore) {
    this.#store = store;
    this.#revisions = new SharedPoll(lookEveryMs, () => store.revision(), String);
    this.#workers = new SharedPoll(lookEveryMs, () => this.#followed(), keyOf);
  }

  /** One page, in the order of names. @throws Fault FORBIDDEN */
  async list(principal: Principal, request: PageRequest = {}): Promise<Page<WorkerView>> {
    authorize(principal, 'worker:read');
    return this.#store.list(request);
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
