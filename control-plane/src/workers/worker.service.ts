import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { Page, PageRequest } from '../configuration/page.ts';
import { follow } from '../subscriptions/follow.ts';
import type { RevisionView, WorkerStore, WorkerView } from './worker-store.ts';

const lookEveryMs = 200;
const maxFollowed = 200;

/** The workers, for those who may look at them. */
export class WorkerService {
  readonly #store: WorkerStore;

  constructor(store: WorkerStore) {
    this.#store = store;
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
    return follow(lookEveryMs, async () => {
      authorize(caller(), 'audit:read');
      const found = await this.#store.revisionsAfter(last);
      last = found.at(-1)?.revision ?? last;
      return found;
    });
  }

  /** The first 200 workers, now and whenever one of them has applied another revision, came or went. @throws Fault FORBIDDEN */
  followWorkers(caller: () => Principal): AsyncGenerator<readonly WorkerView[]> {
    authorize(caller(), 'worker:read');
    let known = '';
    return follow(lookEveryMs, async () => {
      authorize(caller(), 'worker:read');
      const { items } = await this.#store.list({ limit: maxFollowed });
      const state = JSON.stringify(
        items.map(({ name, bootId, appliedRevision, isLive }) => [name, bootId, appliedRevision, isLive]),
      );
      if (state === known) return [];
      known = state;
      return [items];
    });
  }
}
