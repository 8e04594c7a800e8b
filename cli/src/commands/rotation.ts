import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { pathOf } from '../api/api-types.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';

const rotationSchema = z.looseObject({
  secret: z.string(),
  schedule: z.string().nullable(),
  zone: z.string(),
  isEnabled: z.boolean(),
  nextRunAt: z.string().nullable(),
});
const runSchema = z.looseObject({
  id: z.string(),
  step: z.string(),
  outcome: z.string().nullable(),
  problem: z.string().nullable(),
  oldVersion: z.number(),
  newVersion: z.number().nullable(),
  startedAt: z.string(),
});
const listOf = <T extends z.ZodType>(item: T) => z.looseObject({ items: z.array(item) });
/** Steps after which the new version is current, and no more is to be waited for. */
const switchedSteps = ['WATCHING', 'GRACE', 'REVOKING'];

export function addRotation(program: Command, context: CommandContext): void {
  const rotation = program.command('rotation').description('have secrets rotated: by a recipe, a webhook, a schedule');
  rotation
    .command('put')
    .description('set how a secret is rotated')
    .argument('<secret>')
    .requiredOption('-f, --file <file>', 'the recipe, as JSON (docs/rotation.md); - for stdin')
    .action(async (secret: string, { file }: { file: string }) => {
      const recipe = readRecipe(file);
      const { nextRunAt } = await openApi(context).call('PUT', pathOf('rotations', secret), rotationSchema, recipe);
      context.terminal.notice(`${secret} is rotated so; ${nextRunAt === null ? 'when asked' : `next at ${nextRunAt}`}`);
    });
  rotation
    .command('list')
    .description('which secrets are rotated, and when next')
    .action(async () => {
      const items = await openApi(context).list('/api/rotations', rotationSchema);
      const rows = items.map((one) => [
        one.secret,
        one.schedule === null ? '-' : `${one.schedule} ${one.zone}`,
        one.isEnabled ? (one.nextRunAt ?? '-') : 'off',
      ]);
      for (const line of formatTable(['SECRET', 'SCHEDULE', 'NEXT'], rows)) context.terminal.print(line);
    });
  addRuns(rotation, context);
  rotation
    .command('delete')
    .description('do not rotate a secret any more; the secret stays')
    .argument('<secret>')
    .action(async (secret: string) => {
      await openApi(context).call('DELETE', pathOf('rotations', secret), z.unknown());
      context.terminal.notice(`${secret} is not rotated any more`);
    });
}

function addRuns(rotation: Command, context: CommandContext): void {
  rotation
    .command('run')
    .description('rotate a secret now, and wait until the new version is in use')
    .argument('<secret>')
    .option('--no-wait', 'do not wait')
    .action(async (secret: string, { wait }: { wait: boolean }) => {
      const { id } = await openApi(context).call('POST', `${pathOf('rotations', secret)}/runs`, runSchema);
      if (!wait) return context.terminal.notice(`begun: ${id}`);
      const run = await settled(context, secret, id);
      if (run.outcome !== null && run.outcome !== 'DONE')
        throw new CliError(`the rotation of ${secret} ended as ${run.outcome}: ${run.problem ?? ''}`);
      context.terminal.notice(`${secret} is at version ${run.newVersion}`);
    });
  rotation
    .command('cancel')
    .description('let a rotation that is under way go no further')
    .argument('<secret>')
    .action(async (secret: string) => {
      const run = await openApi(context).call('POST', `${pathOf('rotations', secret)}/cancel`, runSchema);
      context.terminal.notice(`cancelled: ${run.problem ?? ''}`);
    });
  rotation
    .command('status')
    .description('the last times that a secret was rotated')
    .argument('<secret>')
    .action(async (secret: string) => {
      const { items } = await openApi(context).call('GET', `${pathOf('rotations', secret)}/runs`, listOf(runSchema));
      const rows = items.map((run) => [
        run.startedAt,
        run.outcome ?? run.step,
        `${run.oldVersion} -> ${run.newVersion ?? '?'}`,
        run.problem ?? '',
      ]);
      for (const line of formatTable(['BEGUN', 'STATE', 'VERSIONS', 'PROBLEM'], rows)) context.terminal.print(line);
    });
}

function readRecipe(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'));
  } catch (cause) {
    throw new CliError(`${file} cannot be read as JSON`, { exitCode: 2, cause });
  }
}

async function settled(context: CommandContext, secret: string, id: string): Promise<z.infer<typeof runSchema>> {
  for (;;) {
    const { items } = await openApi(context).call('GET', `${pathOf('rotations', secret)}/runs`, listOf(runSchema));
    const run = items.find((one) => one.id === id);
    if (run === undefined) throw new CliError(`the rotation of ${secret} is gone`);
    if (run.outcome !== null || switchedSteps.includes(run.step)) return run;
    await pause(500);
  }
}
