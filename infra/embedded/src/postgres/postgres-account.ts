import { existsSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { StartFault } from '../start-fault.ts';

/** Who Postgres runs as. `ids` is given only when that is somebody else than we are: we are root then. */
export interface PostgresAccount {
  readonly userName: string;
  readonly ids?: { readonly uid: number; readonly gid: number };
}

/**
 * PostgreSQL refuses to run as root. As root we give it the owner of an existing cluster, or else the first of the users
 * `postgres` and `nobody`; an ordinary user runs it as itself.
 * @param clusterDir the cluster's folder, which need not exist yet
 * @throws StartFault when the cluster belongs to another user, or root finds nobody to run it as
 */
export function choosePostgresAccount(clusterDir: string): PostgresAccount {
  const owner = existsSync(clusterDir) ? statSync(clusterDir) : undefined;
  const ownUid = process.getuid?.() ?? -1;
  if (ownUid !== 0) {
    if (owner !== undefined && owner.uid !== ownUid) {
      throw new StartFault(
        `The database in ${clusterDir} belongs to user id ${owner.uid}: start OneCLI as that user, or as root.`,
      );
    }
    return { userName: ownUserName() };
  }
  const accounts = readPasswd();
  const chosen =
    owner !== undefined && owner.uid !== 0
      ? accounts.find((account) => account.uid === owner.uid)
      : (accounts.find((account) => account.userName === 'postgres') ??
        accounts.find((account) => account.userName === 'nobody'));
  if (chosen === undefined || chosen.uid === 0) {
    throw new StartFault(
      'PostgreSQL does not run as root and /etc/passwd has no user `postgres` or `nobody`: start OneCLI as an ordinary user.',
    );
  }
  return { userName: chosen.userName, ids: { uid: chosen.uid, gid: chosen.gid } };
}

/** The operating system's name of the user that we run as, which peer authentication compares. */
export function ownUserName(): string {
  try {
    return userInfo().username;
  } catch (cause) {
    throw new StartFault(`User id ${process.getuid?.()} has no entry in /etc/passwd, which PostgreSQL needs.`, {
      cause,
    });
  }
}

function readPasswd(): { userName: string; uid: number; gid: number }[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([userName = '', , uid, gid]) => ({ userName, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }));
}
