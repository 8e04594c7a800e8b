import { authorizeList } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { AuditFilter } from './audit-filter.ts';
import { follow } from '../subscriptions/follow.ts';
import { SharedPoll } from '../subscriptions/shared-poll.ts';
import type { AuditPage, AuditPageOptions, AuditStore, AuditView } from './audit-store.ts';

const lookEveryMs = 300;
const batchSize = 100;

/** The audit trail, for those who may read it. */
export class AuditService {
  readonly #store: AuditStore;
  /** Of the last event that may be given out, for all who follow. */
  readonly #poll: SharedPoll<string>;

  constructor(store: AuditStore) {
    this.#store = store;
    this.#poll = new SharedPoll(
      lookEveryMs,
      () => store.lastWritten(),
      (place) => place,
    );
  }

  /** One page, the newest first. Who is limited to environments sees requests that used their secrets, and no others'. @throws Fault FORBIDDEN, INVALID for a cursor that is none */
  async list(principal: Principal, filter: AuditFilter, options: AuditPageOptions): Promise<AuditPage> {
    return this.#store.list(filter, options, authorizeList(principal, 'audit:read'));
  }

  /**
   * Events as they are written, after one or from now on. `caller` is asked before every read: who may not read any more reads no
   * further. @throws Fault FORBIDDEN, INVALID for a cursor that is none or whose event is gone
   */
  async follow(
    caller: () => Principal,
    filter: AuditFilter,
    after: string | undefined,
  ): Promise<AsyncGenerator<AuditView>> {
    authorizeList(caller(), 'audit:read');
    let place = await this.#store.writePlace(after);
    return follow({
      poll: this.#poll,
      authorize: () => void authorizeList(caller(), 'audit:read'),
      next: async () => {
        const reach = authorizeList(caller(), 'audit:read');
        const { items, next } = await this.#store.since(filter, place, { limit: batchSize, reach });
        place = next;
        return items;
      },
    });
  }
}
