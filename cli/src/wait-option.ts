import { exitCodes } from '@onecli/shared/exit-codes';
import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { parseCount } from './parse-options.ts';

const defaultSeconds = 5;
const maxSeconds = 30;

/** Commands whose writes workers apply. `keys rotate` and `rotation run` wait for their own end. */
const writes = {
  agent: ['certificate', 'create', 'delete', 'disable', 'enable', 'rotate', 'update'],
  apply: [],
  approval: ['approve', 'deny', 'end'],
  ca: ['activate', 'import', 'retire', 'rotate'],
  key: ['create', 'revoke'],
  policy: ['allow', 'delete', 'deny', 'mode'],
  rotation: ['cancel', 'delete', 'put'],
  route: ['delete', 'set'],
  secret: [
    'alias rotate',
    'delete',
    'destroy',
    'disable',
    'enable',
    'expire',
    'generate',
    'import',
    'lease',
    'put',
    'rollback',
    'rotate',
  ],
  user: ['delete', 'disable', 'enable', 'invite', 'reset', 'role'],
  worker: ['forget'],
} as const;

interface WaitOptions {
  readonly wait?: true;
  readonly waitSeconds?: number;
}

/** Gives each command that writes `--wait`: it says then which workers have what was written, and ends with 3 where not all have. */
export function addWait(program: Command, context: CommandContext): void {
  for (const [group, names] of Object.entries(writes))
    for (const path of names.length === 0 ? [group] : names.map((name) => `${group} ${name}`))
      waiting(find(program, path), context);
}

function find(program: Command, path: string): Command {
  let found: Command | undefined = program;
  for (const part of path.split(' ')) found = found?.commands.find((command) => command.name() === part);
  if (found === undefined) throw new Error(`There is no command ${path}`);
  return found;
}

function waiting(command: Command, { wait, terminal }: CommandContext): void {
  command
    .option(
      '--wait',
      `wait until every live worker has applied it; exit code ${exitCodes.notEverywhere} when not all have`,
    )
    .option(
      '--wait-seconds <number>',
      `for how long: default ${defaultSeconds}, at most ${maxSeconds}`,
      parseCount(maxSeconds),
    )
    .hook('preAction', (_, acting) => {
      const options = acting.opts<WaitOptions>();
      wait.begin(options.waitSeconds ?? (options.wait ? defaultSeconds : undefined));
    })
    .hook('postAction', () => {
      if (wait.waitMs !== undefined && !wait.tell(terminal)) process.exitCode = exitCodes.notEverywhere;
    });
}
