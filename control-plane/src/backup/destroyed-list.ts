import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { openMessage, sealMessage } from '@onecli/shared/vault/sealed-message';
import type { DataSource, EntityManager } from 'typeorm';
import { z } from 'zod';

const purpose = 'destroyed-list';
const lookEveryMs = 1_000;

/** A version of a secret that was destroyed: no restore may bring it back. It is named by ids, not by what it held. */
export interface DestroyedValue {
  readonly secretId: string;
  readonly version: number;
}

const listForm = z.array(z.strictObject({ secretId: z.uuid(), version: z.int() }));

/** The list in a database. */
export async function readDestroyed(manager: EntityManager): Promise<DestroyedValue[]> {
  return manager.query<DestroyedValue[]>('SELECT secret_id AS "secretId", version FROM destroyed_value');
}

/** The list in a file. @throws VaultFault CANNOT_OPEN when it was altered or is another instance's */
export function readDestroyedFile(path: string, key: Buffer): DestroyedValue[] {
  return listForm.parse(JSON.parse(openMessage(key, purpose, readFileSync(path)).toString('utf8')));
}

/** Both lists, each entry once. */
export function joinDestroyed(...lists: readonly (readonly DestroyedValue[])[]): DestroyedValue[] {
  const joined = new Map<string, DestroyedValue>();
  for (const { secretId, version } of lists.flat()) joined.set(`${secretId} ${version}`, { secretId, version });
  return [...joined.values()];
}

export interface DestroyedFileOptions {
  readonly database: DataSource;
  readonly path: string;
  /** The instance's key for `destroyed`. */
  readonly key: Buffer;
  readonly log: { error(fields: object, message: string): void };
}

/** Keeps the list in a file outside of the database, for the day when the database is lost. It only ever grows. */
export class DestroyedFile {
  readonly #options: DestroyedFileOptions;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #written = -1;

  constructor(options: DestroyedFileOptions) {
    this.#options = options;
  }

  /** Brings the file up to date now, and once a second until `stop`. */
  start(): void {
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
    this.#look();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  #look(): void {
    this.#writing ??= this.#bringUpToDate()
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'the list of destroyed values is not written'))
      .finally(() => (this.#writing = undefined));
  }

  async #bringUpToDate(): Promise<void> {
    const { database, path, key } = this.#options;
    const [row] = await database.query<{ count: string }[]>('SELECT count(*) AS count FROM destroyed_value');
    const count = Number(row?.count ?? 0);
    if (count === this.#written) return;
    const kept = existsSync(path) ? readDestroyedFile(path, key) : [];
    const joined = joinDestroyed(kept, await readDestroyed(database.manager));
    if (joined.length !== kept.length || kept.length === 0)
      writeWhole(path, sealMessage(key, purpose, listBytes(joined)));
    this.#written = count;
  }
}

function listBytes(list: readonly DestroyedValue[]): Buffer {
  return Buffer.from(JSON.stringify(list), 'utf8');
}

/** The old content or the new one, whenever the power goes. */
function writeWhole(path: string, content: Buffer): void {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temporary, content, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(temporary, path);
  const folder = openSync(path.replace(/[^/]*$/, '') || '.', 'r');
  fsyncSync(folder);
  closeSync(folder);
}
