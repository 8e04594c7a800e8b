import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { runMaintenance } from '../run-maintenance.ts';
import { spawnCommand } from '../spawn-command.ts';

/** As the supervisor starts them: see infra/embedded. */
const processes = [
  {
    name: 'data-plane',
    description: 'run one worker alone, in the foreground: the proxy',
    nodeFlags: ['--max-semi-space-size=32'],
    help: `
Its settings are variables (.env.example): DATABASE_URL, with a role that \`onecli database worker-role\` made, and
ONECLI_MASTER_KEY or ONECLI_MASTER_KEY_FILE are needed. Give each worker a name of its own (ONECLI_WORKER_NAME).`,
  },
  {
    name: 'control-plane',
    description: 'run one control plane alone, in the foreground: the API',
    nodeFlags: [],
    help: `
Its settings are variables (.env.example): DATABASE_URL, with the role that owns the tables, and ONECLI_MASTER_KEY or
ONECLI_MASTER_KEY_FILE are needed. Several on one database share the work.`,
  },
] as const;

export function addProcesses(program: Command, context: CommandContext): void {
  for (const { name, description, nodeFlags, help } of processes) {
    program
      .command(name)
      .description(description)
      .addHelpText('after', help)
      .action(async () => {
        const script = fileURLToPath(new URL('../../../infra/tools/run-process.mjs', import.meta.url));
        if (!existsSync(script)) {
          throw new CliError(`this onecli does not stand in its repository, so it cannot run a ${name}`, {
            hint: 'run it where the gateway is installed',
          });
        }
        const inherited = context.environment.inherited;
        const environment = { ...inherited, UV_THREADPOOL_SIZE: inherited['UV_THREADPOOL_SIZE'] ?? '16' };
        process.exitCode = await spawnCommand(process.execPath, [...nodeFlags, script, name], environment);
      });
  }
}

export function addDatabase(program: Command, context: CommandContext): void {
  const database = program.command('database').description('the database of a cluster');
  database
    .command('worker-role')
    .description('make database roles for workers: they read what workers decide by, and change nothing')
    .argument('[names...]', 'roles; ROLE=WORKER makes one that is a single worker’s, as --worker does', [
      'onecli_worker',
    ])
    .option('--password-file <file>', 'file with the password that it signs in with')
    .option('--worker <name>', 'the one worker that is to report by this role: no other can report as it then')
    .addHelpText(
      'after',
      `
Works on DATABASE_URL, as the role that owns the tables (it must be allowed to make roles, or the role must be there already), with
ONECLI_MASTER_KEY or ONECLI_MASTER_KEY_FILE. Run it again to change the password. The role may read no users, sessions, API
keys or audit events. Control planes renew its rights whenever they have brought the schema up to date.`,
    )
    .action(async (names: string[], { passwordFile, worker }: { passwordFile?: string; worker?: string }) => {
      const password = passwordFile === undefined ? [] : ['--password-file', passwordFile];
      const bound = worker === undefined ? [] : ['--worker', worker];
      process.exitCode = await runMaintenance(context, ['worker-role', ...names, ...password, ...bound]);
    });
}
