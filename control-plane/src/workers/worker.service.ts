import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { Page, PageRequest } from '../configuration/page.ts';
import type { WorkerStore, WorkerView } from './worker-store.ts';

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
}
