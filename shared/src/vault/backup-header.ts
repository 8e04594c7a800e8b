import { createReadStream } from 'node:fs';
import { type BackupHeader, openBackup } from './backup-file.ts';
import { VaultFault } from './vault-fault.ts';

/**
 * The header of a backup in a file, to be looked at before anything is made or changed for it. It is not authenticated yet.
 * @throws VaultFault CANNOT_OPEN for a file that is not there, or no backup
 */
export async function readBackupHeader(path: string): Promise<BackupHeader> {
  const stream = createReadStream(path);
  try {
    return (await openBackup(stream)).header;
  } catch (cause) {
    const isRead = cause instanceof VaultFault;
    const message = isRead ? cause.message : `${path} cannot be read: expected a backup that is there and ours`;
    throw new VaultFault('CANNOT_OPEN', message, { cause });
  } finally {
    stream.destroy();
  }
}
