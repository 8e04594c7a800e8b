import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import type { Environment } from './environment.ts';

const fileSchema = z.record(
  z.string(),
  z.record(z.string(), z.looseObject({ token: z.string(), proxyUrl: z.url().optional() })),
);
type TokenFile = z.infer<typeof fileSchema>;

/** A token, and the proxy that takes it, where that is known. */
export interface SavedToken {
  readonly token: string;
  readonly proxyUrl?: string | undefined;
}

const staleLockMs = 3_000;
const lockRetryMs = 10;

/** The agents' tokens that this user saved, mode 0600: API origin → agent's name → token. */
export class AgentTokens {
  readonly path: string;

  constructor(environment: Environment) {
    const home = environment.configHome ?? join(environment.home ?? homedir(), '.config');
    this.path = join(home, 'onecli', 'agents.json');
  }

  /** The token saved for an agent of one gateway, or of the only gateway that has one when `apiUrl` is not known. */
  find(apiUrl: string | undefined, agent: string): SavedToken | undefined {
    const file = this.#read();
    if (apiUrl !== undefined) return file[apiUrl]?.[agent];
    const found = Object.values(file).flatMap((agents) => agents[agent] ?? []);
    return found.length === 1 ? found[0] : undefined;
  }

  /** Names of the agents that have a token here, for one gateway or for all. */
  names(apiUrl: string | undefined): string[] {
    const file = this.#read();
    const gateways = apiUrl === undefined ? Object.values(file) : [file[apiUrl] ?? {}];
    return [...new Set(gateways.flatMap((agents) => Object.keys(agents)))].sort();
  }

  save(apiUrl: string, agent: string, saved: SavedToken): void {
    this.#change((file) => ({ ...file, [apiUrl]: { ...file[apiUrl], [agent]: { ...saved } } }));
  }

  /** Forgets an agent's token; one that is not there is no fault. */
  forget(apiUrl: string, agent: string): void {
    if (this.#read()[apiUrl]?.[agent] === undefined) return;
    this.#change((file) => {
      const { [agent]: _forgotten, ...rest } = file[apiUrl] ?? {};
      return { ...file, [apiUrl]: rest };
    });
  }

  #read(): TokenFile {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw new CliError(`${this.path} cannot be read`, { cause });
    }
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new CliError(`${this.path} is damaged`, {
        cause,
        hint: 'remove it and make new tokens with `onecli agent rotate`',
      });
    }
  }

  /** Reads, changes and replaces the file while no other command does, so that two at once lose nothing. */
  #change(change: (file: TokenFile) => TokenFile): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const lock = `${this.path}.lock`;
    takeLock(lock);
    try {
      const temporary = `${this.path}.${randomBytes(6).toString('hex')}`;
      writeFileSync(temporary, `${JSON.stringify(change(this.#read()), null, 2)}\n`, { mode: 0o600, flag: 'wx' });
      renameSync(temporary, this.path);
    } finally {
      rmdirSync(lock);
    }
  }
}

/** Makes a folder that only one can make. One older than `staleLockMs` was left by a command that was killed. */
function takeLock(path: string): void {
  const deadlineMs = Date.now() + 2 * staleLockMs;
  for (;;) {
    try {
      mkdirSync(path);
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      if (Date.now() > deadlineMs)
        throw new CliError(`${path} is held by another command`, { cause, hint: 'remove it' });
    }
    const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (madeMs !== undefined && Date.now() - madeMs > staleLockMs) rmSync(path, { recursive: true, force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockRetryMs);
  }
}
