import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isPlainName } from '@onecli/shared/domain/names';
import type { RouteBody } from '@onecli/shared/domain/route';
import { Fault } from '@onecli/shared/fault';
import { routeContext } from '@onecli/shared/seal-contexts';
import type { Keyring } from '@onecli/shared/vault/keyring';
import { open, seal } from '@onecli/shared/vault/seal';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { DataSource, EntityManager } from 'typeorm';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import type { ChangeConfig } from '../configuration/change-config.ts';
import { type Page, type PageRequest, pageByName } from '../configuration/page.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import type { Removed, Written } from '../configuration/written.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretEntity } from '../secrets/secret.entity.ts';
import { RouteEntity, type RouteRow } from './route.entity.ts';
import { newRouteInput, routeReplacementInput } from './route-input.ts';
import { type RouteView, viewRoutes } from './route-view.ts';

/** Routes. Their bodies are sealed at rest. */
export class RouteService {
  readonly #dataSource: DataSource;
  readonly #change: ChangeConfig;
  readonly #keyring: Keyring;

  constructor(dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys) {
    this.#dataSource = dataSource;
    this.#change = change;
    this.#keyring = keys.keyring;
  }

  /** One page, in the order of names. @throws Fault INTERNAL when a body does not open */
  async list(principal: Principal, request: PageRequest = {}): Promise<Page<RouteView>> {
    authorize(principal, 'route:read');
    const page = await pageByName(this.#dataSource.manager, RouteEntity, request);
    const routes = page.items.map((row) => ({ row, body: this.#openBody(row) }));
    return { items: await viewRoutes(this.#dataSource.manager, routes), next: page.next };
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, name: string): Promise<RouteView> {
    authorize(principal, 'route:read');
    const row = await requireRoute(this.#dataSource.manager, name);
    return viewOne(this.#dataSource.manager, row, this.#openBody(row));
  }

  /** @throws Fault INVALID, also for a secret that does not exist; NAME_TAKEN */
  async create(principal: Principal, input: unknown): Promise<Written<RouteView>> {
    authorize(principal, 'route:create');
    const { name, ...body } = parseInput(newRouteInput, input);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      if (await tx.manager.existsBy(RouteEntity, { name })) throw new Fault('NAME_TAKEN', `The route ${name} exists`);
      await requireSecret(tx.manager, body);
      const now = new Date();
      const id = randomUUID();
      const made = { version: 1, managedBy: null, createdAt: now, updatedAt: now };
      const row = { id, name, sealedBody: this.#sealBody(id, 1, body), ...made };
      await tx.manager.insert(RouteEntity, row);
      tx.changed('route', id, 'upsert');
      tx.audit('route:create', 'route', name);
      return viewOne(tx.manager, row, body);
    });
    return { object: result, change: 'CREATED', revision };
  }

  /** Replaces all but the name. @throws Fault INVALID, NOT_FOUND */
  async replace(principal: Principal, name: string, input: unknown): Promise<Written<RouteView>> {
    authorize(principal, 'route:update');
    const { name: repeated, ...body } = parseInput(routeReplacementInput, input);
    if (repeated !== undefined && repeated !== name) throw invalidField('name', 'must be that of the route, or absent');
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const before = await requireRoute(tx.manager, name);
      const bodyBefore = this.#openBody(before);
      if (isDeepStrictEqual(bodyBefore, body))
        return { object: await viewOne(tx.manager, before, body), change: 'UNCHANGED' as const };
      await requireSecret(tx.manager, body);
      const version = before.version + 1;
      const written = { version, sealedBody: this.#sealBody(before.id, version, body), updatedAt: new Date() };
      await tx.manager.update(RouteEntity, { id: before.id }, written);
      tx.changed('route', before.id, 'upsert');
      tx.audit('route:update', 'route', name, { version });
      return { object: await viewOne(tx.manager, { ...before, ...written }, body), change: 'UPDATED' as const };
    });
    return { ...result, revision };
  }

  /** Removes a route; one that is absent is fine. */
  async remove(principal: Principal, name: string): Promise<Removed> {
    authorize(principal, 'route:delete');
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const row = isPlainName(name) ? await tx.manager.findOneBy(RouteEntity, { name }) : null;
      if (row === null) return 'UNCHANGED';
      await tx.manager.delete(RouteEntity, { id: row.id });
      tx.changed('route', row.id, 'remove');
      tx.audit('route:delete', 'route', name);
      return 'DELETED';
    });
    return { change: result, revision };
  }

  #sealBody(id: string, version: number, body: RouteBody): Buffer {
    return seal(this.#keyring, routeContext(id, version), Buffer.from(JSON.stringify(body), 'utf8'));
  }

  #openBody(row: RouteRow): RouteBody {
    try {
      const opened = open(this.#keyring, routeContext(row.id, row.version), row.sealedBody);
      return JSON.parse(opened.toString('utf8')) as RouteBody;
    } catch (cause) {
      if (!(cause instanceof VaultFault)) throw cause;
      throw new Fault('INTERNAL', `The route ${row.name} does not open: its row was altered`, { cause });
    }
  }
}

async function viewOne(manager: EntityManager, row: RouteRow, body: RouteBody): Promise<RouteView> {
  const [view] = await viewRoutes(manager, [{ row, body }]);
  if (view === undefined) throw new Error('A view was not made');
  return view;
}

async function requireRoute(manager: EntityManager, name: string): Promise<RouteRow> {
  const row = isPlainName(name) ? await manager.findOneBy(RouteEntity, { name }) : null;
  if (row === null) throw new Fault('NOT_FOUND', 'There is no route of that name');
  return row;
}

/** A misspelt secret would silently do nothing, so that it must exist when the route is written. */
async function requireSecret(manager: EntityManager, { secret }: RouteBody): Promise<void> {
  if (!(await manager.existsBy(SecretEntity, { name: secret })))
    throw invalidField('secret', 'names no secret that exists');
}
