import { Fault } from '@onecli/shared/fault';
import { isUUID } from 'class-validator';
import { authorizeList } from '../authorize.ts';
import type { Principal } from '../principal.ts';
import type { AdminEventFilter } from './admin-event-filter.ts';
import type { AdminEventStore, AdminEventView, EventPlace } from './admin-event-store.ts';

/** An event, and its place in the list. */
export interface PlacedEvent {
  readonly event: AdminEventView;
  readonly cursor: string;
}

/** One page of admin events; `next` is null on the last one. */
export interface AdminEventPage {
  readonly items: readonly PlacedEvent[];
  readonly next: string | null;
}

/** The record of what principals did and tried, for those who may read it. */
export class AdminEventService {
  readonly #store: AdminEventStore;

  constructor(store: AdminEventStore) {
    this.#store = store;
  }

  /**
   * One page, the newest first. A principal that is limited to environments sees what happened to secrets there.
   * @throws Fault FORBIDDEN, INVALID for a cursor that is none
   */
  async list(
    principal: Principal,
    filter: AdminEventFilter,
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<AdminEventPage> {
    const reach = authorizeList(principal, 'admin-event:read');
    const place = after === undefined ? undefined : readPlace(after);
    const found = await this.#store.list(filter, reach, place, limit + 1);
    const items = found.slice(0, limit).map(({ view, place: at }) => ({ event: view, cursor: writePlace(at) }));
    return { items, next: found.length > limit ? (items.at(-1)?.cursor ?? null) : null };
  }
}

function writePlace({ atMicros, id }: EventPlace): string {
  return Buffer.from(`${atMicros}.${id}`, 'utf8').toString('base64url');
}

function readPlace(cursor: string): EventPlace {
  const [, atMicros, id] = /^([0-9]{1,17})\.(.{36})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (atMicros === undefined || id === undefined || !isUUID(id))
    throw new Fault('INVALID', '`after` is not a cursor of this list', { field: 'after' });
  return { atMicros, id };
}
