import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes } from '@onecli/shared/exit-codes';
import type { MasterKeySource } from '../config.ts';
import { StartFault } from '../start-fault.ts';

const passwordName = 'first-admin-password';
const localAccessName = 'local-access.json';
const masterKeyName = 'master.key';
const destroyedName = 'destroyed.list';

/** Where children find the master key: a file, or the key itself to be handed over without one. */
export type MasterKeyHolder = { kind: 'file'; path: string } | { kind: 'given'; hex: string };

/** The folder that a supervisor owns while it runs. Everything in it is closed to other users. */
export class DataFolder {
  readonly path: string;
  readonly localAccessFile: string;
  /** What was destroyed, kept beside the database for the day when that is lost. */
  readonly destroyedFile: string;
  readonly #passwordFile: string;

  constructor(path: string) {
    this.path = path;
    this.localAccessFile = join(path, localAccessName);
    this.destroyedFile = join(path, destroyedName);
    this.#passwordFile = join(path, passwordName);
  }

  /** Makes the folder, or closes an existing one to others. @throws StartFault when it cannot */
  open(): void {
    try {
      mkdirSync(join(this.path, 'logs'), { recursive: true, mode: 0o700 });
      chmodSync(this.path, 0o700);
    } catch (cause) {
      throw new StartFault(
        `The data folder ${this.path} cannot be made or is not ours: choose another with --data-dir (ONECLI_DATA_DIR).`,
        { exitCode: exitCodes.wrong, cause },
      );
    }
  }

  /** Where a worker keeps the configuration for a start without the database. */
  snapshotFile(worker: string): string {
    return join(this.path, 'snapshots', `${worker}.snapshot`);
  }

  get hasDestroyedFile(): boolean {
    return existsSync(this.destroyedFile);
  }

  get hasMasterKey(): boolean {
    return existsSync(join(this.path, masterKeyName));
  }

  get hasDatabase(): boolean {
    return existsSync(join(this.path, 'postgres/cluster'));
  }

  /**
   * Gives the master key's place, made in the folder when both the folder is new and no key is configured.
   * @returns notice: a line for the person who started it, when a key was made
   * @throws StartFault, before anything is written, when there is a database and no key: another key would not open it
   */
  masterKey(source: MasterKeySource): { holder: MasterKeyHolder; notice?: string } {
    if (source.kind === 'given') return { holder: source };
    if (source.kind === 'file') return { holder: source };
    const path = join(this.path, masterKeyName);
    if (existsSync(path)) {
      if (/^[0-9a-f]{64}\s*$/i.test(readFileSync(path, 'utf8'))) return { holder: { kind: 'file', path } };
      throw new StartFault(`${path} does not hold 64 hexadecimal digits: restore it from your backup.`, {
        exitCode: exitCodes.wrong,
      });
    }
    if (this.hasDatabase) {
      throw new StartFault(
        `${this.path} holds a database, but its master key is missing. Restore ${path} from your backup, or set ONECLI_MASTER_KEY or ONECLI_MASTER_KEY_FILE. A new key could not open what is stored.`,
        { exitCode: exitCodes.wrong },
      );
    }
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    return {
      holder: { kind: 'file', path },
      notice: `A master key was made in ${path}. Back it up: without it nothing stored can be read.`,
    };
  }

  /**
   * The admin's first password, for a folder without a database: made here, and kept in a file until the control
   * plane has taken it over, so that a start that was killed loses nothing.
   * @returns undefined when the admin exists already
   */
  firstAdminPassword(): { file: string; password: string } | undefined {
    const file = this.#passwordFile;
    if (existsSync(file)) return { file, password: readFileSync(file, 'utf8').trim() };
    if (this.hasDatabase) return undefined;
    const password = randomBytes(18).toString('base64url');
    writeFileSync(file, password, { mode: 0o600, flag: 'wx' });
    return { file, password };
  }

  /** Once the control plane has the first password, no file holds it any more. */
  forgetFirstAdminPassword(): void {
    rmSync(this.#passwordFile, { force: true });
  }

  /** The control plane writes it at its start, so that this user's command line tool needs no password; it is void once all has stopped. */
  removeLocalAccess(): void {
    rmSync(this.localAccessFile, { force: true });
  }
}
