import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isPlainName } from '@onecli/shared/domain/names';
import { Fault } from '@onecli/shared/fault';
import { partFingerprint } from '@onecli/shared/vault/keyed-hash';
import type { DataSource, EntityManager } from 'typeorm';
import type { Action } from '../auth/actions.ts';
import { authorizeEach, authorizeList, authorizeSomewhere, may } from '../auth/authorize.ts';
import { beforeAndAfter, changedFields } from '../auth/events/recorded-change.ts';
import type { Principal } from '../auth/principal.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import type { ChangeConfig, ConfigTransaction } from './change-config.ts';
import { DocumentBodies } from './document-bodies.ts';
import type { DocumentRow } from './document.entity.ts';
import type { DocumentKind, DocumentVerb, DocumentView } from './document-kind.ts';
import { fieldsOf } from './fields-of.ts';
import { layOver } from './lay-over.ts';
import { findNamed, type NamedKind, notThere, type ObjectRef } from './object-ref.ts';
import { type Page, type PageRequest, pageByName, plainlyNamed } from './page.ts';
import { pageVisible } from './page-visible.ts';
import { invalidField } from './parse-input.ts';
import { type Selection, selectRows } from './select-rows.ts';
import type { Change, Removal, Removed, WriteOptions, Written } from './written.ts';

type Expected = 'absent' | 'present' | 'either';

/** Named documents of one kind: policies, routes. Their bodies are sealed at rest. */
export class DocumentService<Body extends object, Content extends object> {
  readonly #dataSource: DataSource;
  readonly #change: ChangeConfig;
  readonly #keys: InstanceKeys;
  readonly #kind: DocumentKind<Body, Content>;
  readonly #named: NamedKind<DocumentRow>;
  readonly #bodies: DocumentBodies<Body>;

  constructor(kind: DocumentKind<Body, Content>, dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys) {
    this.#kind = kind;
    this.#named = { ...kind, isName: isPlainName };
    this.#dataSource = dataSource;
    this.#change = change;
    this.#keys = keys;
    this.#bodies = new DocumentBodies(kind, keys.keyring);
  }

  /** One page, in the order of names. @throws Fault INTERNAL when a body does not open */
  async list(principal: Principal, request: PageRequest = {}): Promise<Page<DocumentView & Content>> {
    const page = await this.#page(principal, request);
    const documents = page.items.map((row) => ({ row, body: this.#bodies.open(row) }));
    return { items: await this.#views(this.#dataSource.manager, documents), next: page.next };
  }

  /** The views of a selection, as a transaction sees them. Whoever asks has authorized that for each of them. */
  async viewsIn(manager: EntityManager, selection: Selection): Promise<(DocumentView & Content)[]> {
    const rows = await selectRows(manager, this.#kind.entity, selection);
    return this.#views(
      manager,
      rows.map((row) => ({ row, body: this.#bodies.open(row) })),
    );
  }

  /** All bodies, in the order of names. Whoever asks has authorized that. @throws Fault INTERNAL when one does not open */
  async bodies(): Promise<{ readonly id: string; readonly name: string; readonly body: Body }[]> {
    const rows = await this.#dataSource.manager.find(this.#kind.entity, { order: { name: 'ASC' } });
    return rows.map((row) => ({ id: row.id, name: row.name, body: this.#bodies.open(row) }));
  }

  /** Whether all that a body belongs to is in the principal's reach. */
  isReadable(principal: Principal, body: Body): boolean {
    return this.#isInReach(principal, 'read', body);
  }

  /** One body, as a transaction sees it; undefined when there is none. Whoever asks has authorized that. @throws Fault INTERNAL */
  async bodyOf(manager: EntityManager, ref: ObjectRef) {
    const row = await findNamed(manager, this.#named, ref);
    return row === null ? undefined : { id: row.id, name: row.name, body: this.#bodies.open(row) };
  }

  /** @throws Fault NOT_FOUND */
  async get(principal: Principal, ref: ObjectRef): Promise<DocumentView & Content> {
    authorizeSomewhere(principal, [this.#action('read')]);
    const row = await this.#requireSeen(this.#dataSource.manager, principal, 'read', ref);
    const body = this.#bodies.open(row);
    this.#authorizeBody(principal, 'read', () => body);
    return this.#view(this.#dataSource.manager, row, body);
  }

  /** @throws Fault INVALID, also for what it names and does not exist; NAME_TAKEN */
  async create(principal: Principal, input: unknown): Promise<Written<DocumentView & Content>> {
    authorizeSomewhere(principal, [this.#action('create')]);
    const parsed = this.#kind.parse(input);
    return this.#changeOne(principal, {}, (tx) => this.#write(tx, principal, parsed, 'absent'));
  }

  /** Replaces all but the name. @throws Fault INVALID, NOT_FOUND */
  async replace(
    principal: Principal,
    name: string,
    input: unknown,
    options: WriteOptions = {},
  ): Promise<Written<DocumentView & Content>> {
    authorizeSomewhere(principal, [this.#action('update')]);
    const { name: repeated = name, ...content } = fieldsOf(input);
    if (repeated !== name) throw invalidField('name', `must be that of the ${this.#kind.kind}, or absent`);
    if (!isPlainName(name)) throw notThere(this.#kind.kind, name);
    const parsed = this.#kind.parse({ ...content, name });
    return this.#changeOne(principal, options, (tx) => this.#write(tx, principal, parsed, 'present'));
  }

  /**
   * Brings the document of a name to what is given, and makes it when it is absent. What is not mentioned stays as it is;
   * null sets it back to its default. By `ref` an id may say which is meant. @throws Fault INVALID, NOT_FOUND, CONFLICT
   */
  async upsert(
    principal: Principal,
    input: unknown,
    { ref, ...options }: WriteOptions & { readonly ref?: ObjectRef | undefined } = {},
  ): Promise<Written<DocumentView & Content>> {
    this.#authorizeUpsert(principal);
    return this.#changeOne(principal, options, (tx) => this.#upsert(tx, principal, input, ref));
  }

  /** `upsert` within a transaction that does more. */
  async upsertIn(tx: ConfigTransaction, principal: Principal, input: unknown): Promise<Change<DocumentView & Content>> {
    this.#authorizeUpsert(principal);
    return this.#upsert(tx, principal, input, undefined);
  }

  /** Removes a document; one that is absent is fine. @throws Fault CONFLICT */
  async remove(principal: Principal, ref: ObjectRef, options: WriteOptions = {}): Promise<Removed> {
    authorizeSomewhere(principal, [this.#action('delete')]);
    const work = (tx: ConfigTransaction) => this.removeIn(tx, principal, ref);
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { change: result, revision };
  }

  /** `remove` within a transaction that does more. */
  async removeIn(tx: ConfigTransaction, principal: Principal, ref: ObjectRef): Promise<Removal> {
    const { kind, entity } = this.#kind;
    authorizeSomewhere(principal, [this.#action('delete')]);
    const row = await this.#findSeen(tx.manager, principal, 'delete', ref);
    if (row === null) return 'UNCHANGED';
    this.#authorizeBody(principal, 'delete', () => this.#bodies.open(row));
    tx.checkRevision(kind, row);
    await tx.manager.delete(entity, { id: row.id });
    tx.changed(kind, row.id, 'remove');
    tx.audit(`${kind}:delete`, kind, row.name);
    return 'DELETED';
  }

  #authorizeUpsert(principal: Principal): void {
    authorizeSomewhere(principal, [this.#action('update'), this.#action('create')]);
  }

  #action(verb: DocumentVerb): Action {
    return `${this.#kind.kind}:${verb}`;
  }

  /** The document that is meant, or null. By an id none is there for one who may neither do this to it nor read it. */
  async #findSeen(manager: EntityManager, principal: Principal, verb: DocumentVerb, ref: ObjectRef) {
    const row = await findNamed(manager, this.#named, ref);
    if (row === null || typeof ref === 'string' || may(principal, this.#action(verb))) return row;
    const body = this.#bodies.open(row);
    return this.#isInReach(principal, verb, body) || this.isReadable(principal, body) ? row : null;
  }

  async #requireSeen(manager: EntityManager, principal: Principal, verb: DocumentVerb, ref: ObjectRef) {
    const row = await this.#findSeen(manager, principal, verb, ref);
    if (row === null) throw notThere(this.#kind.kind, ref);
    return row;
  }

  #isInReach(principal: Principal, verb: DocumentVerb, body: Body): boolean {
    return [...this.#kind.environmentsOf(body, verb)].every((each) => may(principal, this.#action(verb), each));
  }

  /** Whoever may do it everywhere needs no body that opens: he can remove one that was altered. */
  #authorizeBody(principal: Principal, verb: DocumentVerb, body: () => Body): void {
    const action = this.#action(verb);
    if (!may(principal, action)) authorizeEach(principal, action, this.#kind.environmentsOf(body(), verb));
  }

  /** What the principal may read of a page; what belongs to an environment out of his reach is not there for him. */
  async #page(principal: Principal, request: PageRequest): Promise<Page<DocumentRow>> {
    const action = this.#action('read');
    const reach = authorizeList(principal, action);
    const fetch = (asked: PageRequest) => pageByName(this.#dataSource.manager, this.#kind.entity, asked, plainlyNamed);
    if (reach === '*') return fetch(request);
    return pageVisible(fetch, (row) => this.isReadable(principal, this.#bodies.open(row)), request);
  }

  async #changeOne(
    principal: Principal,
    options: WriteOptions,
    work: (tx: ConfigTransaction) => Promise<Change<DocumentView & Content>>,
  ): Promise<Written<DocumentView & Content>> {
    const { result, revision } = await this.#change.changeConfig(principal, work, options);
    return { ...result, revision };
  }

  async #upsert(
    tx: ConfigTransaction,
    principal: Principal,
    input: unknown,
    ref: ObjectRef | undefined,
  ): Promise<Change<DocumentView & Content>> {
    const given = fieldsOf(input);
    const before = ref === undefined ? null : await this.#requireSeen(tx.manager, principal, 'update', ref);
    const name = given['name'] ?? before?.name;
    if (before !== null && name !== before.name)
      throw invalidField('name', `must be that of the ${this.#kind.kind}, or absent`);
    const row = before ?? (typeof name === 'string' ? await findNamed(tx.manager, this.#named, name) : null);
    return this.#write(tx, principal, this.#brought(row, given, name), 'either', row);
  }

  /** What a document comes to by an upsert. @throws Fault INVALID */
  #brought(row: DocumentRow | null, given: Readonly<Record<string, unknown>>, name: unknown) {
    const document = row === null ? {} : this.#kind.documentOf(this.#bodies.open(row));
    return this.#kind.parse({ ...layOver(document, given), name });
  }

  /** What an upsert would write, without writing it. Whoever asks has authorized that. @throws Fault INVALID */
  async draft(input: unknown): Promise<{ readonly name: string; readonly body: Body }> {
    const given = fieldsOf(input);
    const name = given['name'];
    const row = typeof name === 'string' ? await findNamed(this.#dataSource.manager, this.#named, name) : null;
    return this.#brought(row, given, name);
  }

  async #write(
    tx: ConfigTransaction,
    principal: Principal,
    { name, body }: { readonly name: string; readonly body: Body },
    expected: Expected,
    found?: DocumentRow | null,
  ): Promise<Change<DocumentView & Content>> {
    const { kind } = this.#kind;
    const before = found === undefined ? await findNamed(tx.manager, this.#named, name) : found;
    if (before !== null && expected === 'absent') throw new Fault('NAME_TAKEN', `The ${kind} ${name} exists`);
    if (before === null && expected === 'present') throw notThere(kind, name);
    if (before !== null) this.#authorizeBody(principal, 'update', () => this.#bodies.open(before));
    this.#authorizeBody(principal, before === null ? 'create' : 'update', () => body);
    return before === null ? this.#insert(tx, name, body) : this.#update(tx, before, body);
  }

  async #insert(tx: ConfigTransaction, name: string, body: Body): Promise<Change<DocumentView & Content>> {
    const { kind, entity, check } = this.#kind;
    tx.checkRevision(kind, null);
    await check(tx.manager, body);
    const [now, id] = [new Date(), randomUUID()];
    const made = { version: 1, revision: tx.revision, managedBy: null, createdAt: now, updatedAt: now };
    const row = { id, name, sealedBody: this.#bodies.seal(id, 1, body), ...made };
    await tx.manager.insert(entity, row);
    tx.changed(kind, id, 'upsert');
    tx.audit(`${kind}:create`, kind, name, { version: 1, ...beforeAndAfter(undefined, this.#recorded(id, body)) });
    return { object: await this.#view(tx.manager, row, body), change: 'CREATED' };
  }

  async #update(tx: ConfigTransaction, before: DocumentRow, body: Body): Promise<Change<DocumentView & Content>> {
    const { kind, entity, check } = this.#kind;
    const bodyBefore = this.#bodies.open(before);
    if (isDeepStrictEqual(bodyBefore, body))
      return { object: await this.#view(tx.manager, before, body), change: 'UNCHANGED' };
    tx.checkRevision(kind, before);
    await check(tx.manager, body);
    const version = before.version + 1;
    const sealedBody = this.#bodies.seal(before.id, version, body);
    const written = { version, sealedBody, revision: tx.revision, updatedAt: new Date() };
    await tx.manager.update(entity, { id: before.id }, written);
    tx.changed(kind, before.id, 'upsert');
    const shown = beforeAndAfter(this.#recorded(before.id, bodyBefore), this.#recorded(before.id, body));
    tx.audit(`${kind}:update`, kind, before.name, { fields: changedFields(bodyBefore, body), version, ...shown });
    return { object: await this.#view(tx.manager, { ...before, ...written }, body), change: 'UPDATED' };
  }

  /** What the record, which lies in the clear, may show of a body: of what is told nowhere else, a fingerprint. */
  #recorded(id: string, body: Body): object {
    const { fingerprintKey } = this.#keys;
    return this.#kind.recorded(body, (part) => partFingerprint(fingerprintKey, id, JSON.stringify(part)));
  }

  async #views(manager: EntityManager, documents: readonly { readonly row: DocumentRow; readonly body: Body }[]) {
    const contents = await this.#kind.contents(
      manager,
      documents.map(({ body }) => body),
    );
    return documents.map(({ row }, index) => {
      const content = contents[index];
      if (content === undefined) throw new Error('A view was not made');
      const { id, name, version, revision, managedBy, createdAt, updatedAt } = row;
      return { id, name, version, ...content, revision, managedBy, createdAt, updatedAt };
    });
  }

  async #view(manager: EntityManager, row: DocumentRow, body: Body): Promise<DocumentView & Content> {
    const [view] = await this.#views(manager, [{ row, body }]);
    if (view === undefined) throw new Error('A view was not made');
    return view;
  }
}
