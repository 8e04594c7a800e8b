/**
 * Maintenance on a database, beside a running product or without one: `rekey`, `restore` and `worker-role`. Exit codes: 0 done, 1 not done and nothing
 * changed, 2 configuration. Keys and passphrases come from files: arguments can be read by every user of the machine.
 */
import 'reflect-metadata';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PassphraseFileFault, readPassphraseFile } from '@onecli/shared/passphrase-file';
import type { MasterKey } from '@onecli/shared/vault/master-key';
import { readBackupHeader } from '@onecli/shared/vault/backup-header';
import { VaultFault } from '@onecli/shared/vault/vault-fault';
import type { DataSource } from 'typeorm';
import { RestoreFault } from './backup/restore-fault.ts';
import { restoreBackup, type RestoreReport } from './backup/restore-backup.ts';
import { restoredProblem } from './rotation/restored.ts';
import { ConfigFault, readMaintenanceConfig, readMasterKeyFile } from './config.ts';
import { createDataSource } from './database/data-source.ts';
import { migrate } from './database/migrate.ts';
import { blindness, makeWorkerRole, WorkerRoleFault } from './database/worker-role.ts';
import { InstanceFault } from './instance/instance-fault.ts';
import { InstanceService, readInstance } from './instance/instance.service.ts';
import { rekey } from './keys/rekey.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Whoever runs it reads what else a control plane would log. */
const sayWarning = (...parts: readonly (string | object)[]): void =>
  say(`warning: ${parts.filter((part) => typeof part === 'string').join(' ')}`);
const log = { info: () => undefined, warn: sayWarning, error: sayWarning };

async function runRekey(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { 'new-key-file': { type: 'string' } } });
  const path = values['new-key-file'];
  if (path === undefined) throw new ConfigFault(['--new-key-file: expected a file with the new master key']);
  const to = readMasterKeyFile(path);
  const { databaseUrl, masterKey } = readMaintenanceConfig();
  await withDatabase(databaseUrl, async (database) => {
    await requireInstance(database);
    await migrate(database);
    const done = await rekeyOnce(database, masterKey, to);
    say(done === 'already' ? 'the new master key is in place already' : 'the master key is replaced');
  });
  say('processes that run go on with the old one until they are restarted; `onecli keys status` names them');
}

/** Nothing is made where there is nothing to rekey. @throws InstanceFault */
async function requireInstance(database: DataSource): Promise<void> {
  const [found] = await database.query<{ is: boolean }[]>("SELECT to_regclass('instance') IS NOT NULL AS is");
  if (found?.is === true && (await readInstance(database.manager)) !== undefined) return;
  throw new InstanceFault(
    'DATA_WITHOUT_KEY',
    'This database holds no instance, so it has no master key to replace. Nothing was changed. Look for the database that is meant.',
  );
}

/** An instance of an earlier release gets its lasting keys by being opened, before they are wrapped anew. */
async function rekeyOnce(database: DataSource, from: MasterKey, to: MasterKey): Promise<'done' | 'already'> {
  try {
    await new InstanceService(database, log).open(from);
  } catch (error) {
    // Perhaps the new one is in place: that is told below.
    if (!(error instanceof InstanceFault) || error.code !== 'WRONG_MASTER_KEY') throw error;
  }
  return rekey(database, from, to);
}

const restoreOptions = {
  replace: { type: 'boolean', default: false },
  confirm: { type: 'boolean', default: false },
  'accept-revival': { type: 'boolean', default: false },
  destroyed: { type: 'string' },
  'passphrase-file': { type: 'string' },
} as const;

async function runRestore(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], options: restoreOptions, allowPositionals: true });
  const [path] = positionals;
  if (path === undefined) throw new ConfigFault(['FILE: expected a backup']);
  const passphraseFile = values['passphrase-file'];
  const { keyFrom } = await readBackupHeader(path);
  if (keyFrom === 'passphrase' && passphraseFile === undefined)
    throw new ConfigFault([`--passphrase-file: ${path} is under a passphrase: expected a file with it`]);
  const passphrase = passphraseFile === undefined ? undefined : readPassphraseFile(passphraseFile);
  const config = readMaintenanceConfig();
  const { databaseUrl, masterKey } = config;
  const destroyedFile = destroyedFileOf(values.destroyed, config.destroyedFile, values['accept-revival']);
  await withDatabase(databaseUrl, async (database) => {
    await migrate(database);
    const report = await restoreBackup(database, {
      file: createReadStream(path),
      master: masterKey,
      passphrase,
      destroyedFile,
      acceptsRevival: values['accept-revival'],
      isReplacing: values.replace,
      isConfirmed: values.confirm,
      log,
    });
    tell(report, values.confirm);
  });
}

/**
 * The list that was named, else the one that control planes keep: theirs is there unless it was lost.
 * @throws ConfigFault when it is not there, but for theirs when what was destroyed may come back
 */
function destroyedFileOf(named: string | undefined, kept: string | undefined, acceptsRevival: boolean) {
  const path = named ?? kept;
  if (path === undefined || existsSync(path)) return path;
  if (named !== undefined)
    throw new ConfigFault([`--destroyed: ${path} is not there: expected the list of the lost instance`]);
  if (acceptsRevival) return undefined;
  throw new ConfigFault([
    `ONECLI_DESTROYED_FILE: ${path} is not there: expected the list of the lost instance. Name it with --destroyed FILE, or accept with --accept-revival that what only it names comes back.`,
  ]);
}

function tell(report: RestoreReport, isConfirmed: boolean): void {
  const { header, rows, keptDead, disabled, endedRuns, lostTerms } = report;
  say(`restored the backup of ${header.createdAt}: revision ${header.revision}, ${rows} rows`);
  if (keptDead > 0) say(`${keptDead} values that were destroyed since stay destroyed`);
  for (const name of disabled) say(`${name} is disabled: its current value was destroyed; put a new one`);
  for (const { secret } of endedRuns) say(`the rotation of ${secret} ended: ${restoredProblem}`);
  if (lostTerms.length > 0)
    say(
      `details of audit events under key term ${lostTerms.join(', ')} do not open any more: another master key has it`,
    );
  tellReturning(report, isConfirmed);
  say(
    isConfirmed
      ? 'confirmed: workers take it'
      : 'workers keep what they have, and new ones wait, until you confirm it: onecli restore --confirm',
  );
}

/** Who was removed or changed since the backup, and is back by it. */
function tellReturning({ returning: { users, apiKeys } }: RestoreReport, isConfirmed: boolean): void {
  const found = [...users.map((name) => `user ${name}`), ...apiKeys.map((name) => `API key ${name}`)];
  if (found.length === 0) return;
  say(`removed or changed since the backup, or unknown here, and back by it: ${found.join(', ')}`);
  say(
    isConfirmed
      ? 'they are let in again: remove those that must not be'
      : 'none of them is let in until it is confirmed: remove those that must not be, on the machine of `npm start`, as another user, or as the admin whom ONECLI_ADMIN_PASSWORD lets in at the next start',
  );
}

async function runWorkerRole(args: readonly string[]): Promise<void> {
  const options = { 'password-file': { type: 'string' }, worker: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const path = values['password-file'];
  if (positionals.length > 1 && (path ?? values.worker) !== undefined)
    throw new ConfigFault(['--password-file and --worker are of one role: name that one alone']);
  const roles = (positionals.length > 0 ? positionals : ['onecli_worker']).map((text) => roleOf(text, values.worker));
  const password = path === undefined ? undefined : readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  const { databaseUrl, masterKey } = readMaintenanceConfig();
  await withDatabase(databaseUrl, async (database) => {
    await new InstanceService(database, log).open(masterKey);
    for (const { name, worker } of roles) {
      const missing = await makeWorkerRole(database, name, password, worker);
      if (missing !== undefined) say(`${blindness}; as who may grant it, run: ${missing}`);
      const whose = worker === undefined ? 'workers' : worker;
      say(
        `${name} may read what workers decide by, report, and add audit events. Give ${whose} a DATABASE_URL with it.`,
      );
    }
  });
}

/**
 * `ROLE`, or `ROLE=WORKER` for one that is a single worker's.
 * @throws ConfigFault when `--worker` names one, too
 */
function roleOf(
  text: string,
  bound: string | undefined,
): { readonly name: string; readonly worker: string | undefined } {
  const at = text.indexOf('=');
  if (at < 0) return { name: text, worker: bound };
  if (bound !== undefined)
    throw new ConfigFault([`${text}: it names the role's worker, and so does --worker ${bound}: say it once`]);
  return { name: text.slice(0, at), worker: text.slice(at + 1) };
}

async function withDatabase(connectionString: string, work: (database: DataSource) => Promise<void>): Promise<void> {
  const database = createDataSource({ connectionString, connectionLost: () => undefined });
  await database.initialize();
  try {
    await work(database);
  } finally {
    await database.destroy();
  }
}

async function main([command, ...args]: readonly string[]): Promise<number> {
  try {
    if (command === 'rekey') await runRekey(args);
    else if (command === 'restore') await runRestore(args);
    else if (command === 'worker-role') await runWorkerRole(args);
    else throw new ConfigFault(['expected rekey, restore or worker-role']);
    return 0;
  } catch (error) {
    const isExpected = [
      PassphraseFileFault,
      RestoreFault,
      VaultFault,
      InstanceFault,
      ConfigFault,
      WorkerRoleFault,
    ].some((kind) => error instanceof kind);
    say(error instanceof Error ? (isExpected ? error.message : (error.stack ?? error.message)) : String(error));
    return error instanceof ConfigFault ? 2 : 1;
  }
}

process.exit(await main(process.argv.slice(2)));
