import {
  chmodSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartFault } from '../start-fault.ts';
import { choosePostgresAccount } from './postgres-account.ts';
import type { PostgresAccount } from './postgres-account.ts';

/** What a socket's whole path may measure: sun_path holds 108 bytes on Linux and 104 on macOS. */
const maxSocketPathBytes = 100;
const socketName = '.s.PGSQL.5432';
/** The descriptor under which the server and initdb inherit the home folder. */
const inheritedDescriptor = 3;

/** Where Postgres lives inside the data folder, as we see it and as the server itself does. */
export interface PostgresHome {
  readonly account: PostgresAccount;
  /** Absolute path of <data folder>/postgres. Ours; the cluster and the socket's folder in it are the account's. */
  readonly folder: string;
  readonly clusterDir: string;
  /** The folder of the socket, for clients. */
  readonly socketDir: string;
  /** The folder of the socket, for the server. */
  readonly socketDirInServer: string;
  /** The same folder as `folder`, by a path that the server is able to walk. */
  readonly folderInServer: string;
  /** A descriptor of `folder` for the child's stdio, to be closed after the spawn; undefined when it needs none. */
  openFolder(): number | undefined;
}

/**
 * Makes the folders for Postgres and says how the server reaches them.
 *
 * As root the server runs as another user, to whom the folders above (0700, perhaps /root itself) are closed. On Linux it
 * inherits an open descriptor of its own folder instead and knows it as /proc/self/fd/3, which needs no right on the
 * folders above; so the data folder stays closed to everybody but us.
 * @param dataDir the data folder, which must exist
 * @param socketDir a folder from an earlier start of this process, to be used again
 */
export function preparePostgresHome(dataDir: string, socketDir?: string): PostgresHome {
  const folder = join(realpathSync(dataDir), 'postgres');
  const clusterDir = join(folder, 'cluster');
  const account = choosePostgresAccount(clusterDir);
  // Ours, so that the server's user cannot put a link where we are about to write.
  makeFolder(folder, account.ids === undefined ? 0o700 : 0o755);
  const inheritsFolder = account.ids !== undefined && existsSync('/proc/self/fd');
  const folderInServer = inheritsFolder ? `/proc/self/fd/${inheritedDescriptor}` : folder;
  const ownSocketDir = join(folder, 'socket');
  const fits = Buffer.byteLength(join(ownSocketDir, socketName)) <= maxSocketPathBytes;
  const clientSocketDir = fits ? ownSocketDir : (socketDir ?? mkdtempSync(join(tmpdir(), 'onecli-')));
  // No server runs by now: a socket here belongs to one that was killed.
  if (fits) rmSync(clientSocketDir, { recursive: true, force: true });
  makeFolder(clientSocketDir, 0o700, account);
  return {
    account,
    folder,
    clusterDir,
    socketDir: clientSocketDir,
    socketDirInServer: fits ? join(folderInServer, 'socket') : clientSocketDir,
    folderInServer,
    openFolder: () => (inheritsFolder ? openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY) : undefined),
  };
}

/** Makes the folder if need be, with this mode, for `account` if given. Never follows a link. */
export function makeFolder(path: string, mode: number, account?: PostgresAccount): void {
  if (!existsSync(path)) mkdirSync(path, { mode });
  const found = lstatSync(path);
  if (!found.isDirectory()) throw new StartFault(`${path} is not a folder.`);
  if ((found.mode & 0o777) !== mode) chmodSync(path, mode);
  if (account?.ids !== undefined && found.uid !== account.ids.uid) lchownSync(path, account.ids.uid, account.ids.gid);
}
