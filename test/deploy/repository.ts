import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../support/start-onecli.ts';

const path = `${process.env['PATH']}:/usr/sbin`;

/** The text of a file of the repository. */
export const read = (name: string): string => readFileSync(join(repositoryRoot, name), 'utf8');

/** Runs a command in the repository. */
export function run(command: string, args: readonly string[]) {
  return spawnSync(command, args, { cwd: repositoryRoot, encoding: 'utf8', env: { ...process.env, PATH: path } });
}

export const canRun = (command: string): boolean => run('sh', ['-c', `command -v ${command}`]).status === 0;
