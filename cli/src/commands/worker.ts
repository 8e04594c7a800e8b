import type { Command } from 'commander';
import { z } from 'zod';
import { pathOf } from '../api/api-types.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';

const workerSchema = z.looseObject({
  name: z.string(),
  version: z.string(),
  appliedRevision: z.number(),
  seenAt: z.string(),
  live: z.boolean(),
});

/** `onecli worker`: the processes that carry the traffic, as they last reported themselves. */
export function addWorker(program: Command, context: CommandContext): void {
  const worker = program.command('worker').description('the workers of the gateway, as they last reported themselves');
  worker
    .command('list')
    .description('list workers, and the revision that each has applied')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const workers = await openApi(context).list('/api/workers', workerSchema);
      if (options.json) return context.terminal.print(JSON.stringify(workers, null, 2));
      if (workers.length === 0) return context.terminal.notice('no worker has reported yet');
      const rows = workers.map(({ name, live, appliedRevision, version, seenAt }) => {
        return [name, live ? 'live' : 'silent', String(appliedRevision), version, seenAt];
      });
      for (const line of formatTable(['NAME', 'STATE', 'REVISION', 'VERSION', 'SEEN'], rows))
        context.terminal.print(line);
    });
  worker
    .command('forget')
    .description('say that a silent worker is gone: `--wait` no longer names it; one that is absent is no fault')
    .argument('<name>')
    .addHelpText(
      'after',
      `
For one that was killed and does not come back. It is refused while the worker reports. Whoever forgets one that runs is told that
a revocation is in force everywhere while it is not: stop it first. What it audited, and what is missing of it, stays as it is.`,
    )
    .action(async (name: string) => {
      const api = openApi(context);
      const isThere = (await api.list('/api/workers', workerSchema)).some((one) => one.name === name);
      await api.call('DELETE', pathOf('workers', name), z.unknown());
      context.terminal.notice(isThere ? `forgot ${name}` : `there is no worker "${name}": nothing to forget`);
    });
}
