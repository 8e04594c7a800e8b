import { authorizeList } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { AuditFilter } from './audit-filter.ts';
import type { AuditPage, AuditPageOptions, AuditStore } from './audit-store.ts';

/** The audit trail, for those who may read it. */
export class AuditService {
  readonly #store: AuditStore;

  constructor(store: AuditStore) {
    this.#store = store;
  }

  /** One page, the newest first. Who is limited to environments sees requests that used their secrets, and no others'. @throws Fault FORBIDDEN, INVALID for a cursor that is none */
  async list(principal: Principal, filter: AuditFilter, options: AuditPageOptions): Promise<AuditPage> {
    return this.#store.list(filter, options, authorizeList(principal, 'audit:read'));
  }
}
