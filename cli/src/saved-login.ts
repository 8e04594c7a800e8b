import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Environment } from './environment.ts';
import { readPrivateFile } from './private-file.ts';

const fileSchema = z.strictObject({ apiUrl: z.url(), user: z.string(), token: z.string().min(1) });

/** The login that this user keeps: one gateway, one user, and his session's token. */
export type Login = z.infer<typeof fileSchema>;

/** Where `onecli login` keeps its session: mode 0600, below the user's configuration. */
export class SavedLogin {
  readonly path: string;

  constructor(environment: Environment) {
    const home = environment.configHome ?? join(environment.home ?? homedir(), '.config');
    this.path = join(home, 'onecli', 'login.json');
  }

  /** The login that is kept; undefined when there is none, or the file is not as `save` writes it. */
  read(): Login | undefined {
    const text = readPrivateFile(this.path);
    if (text === undefined) return undefined;
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch {
      // Cut short or foreign: as if nobody had signed in.
      return undefined;
    }
  }

  save(login: Login): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const next = `${this.path}.${randomBytes(6).toString('hex')}`;
    writeFileSync(next, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(next, this.path);
  }

  forget(): void {
    rmSync(this.path, { force: true });
  }
}
