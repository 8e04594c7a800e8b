import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { pathOf } from '../api/api-types.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';

const approvalSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  agent: z.string(),
  rule: z.string(),
  host: z.string(),
  port: z.number(),
  method: z.string(),
  path: z.string(),
  asks: z.number(),
  lastAskedAt: z.string(),
  endsAt: z.string().nullable(),
  isWholeRule: z.boolean(),
});
type Approval = z.infer<typeof approvalSchema>;

/** `onecli approval`: what agents ask persons to approve. */
export function addApproval(program: Command, context: CommandContext): void {
  const approval = program
    .command('approval')
    .description('what agents ask persons to approve, by rules with --approval');
  addList(approval, context);
  approval
    .command('approve')
    .description('let the agent do what it asked for, for a time')
    .argument('<id>', 'as `onecli approval list` shows it')
    .option('--for <time>', 'for how long: 15m, 8h, 7d; at most a week', parseMinutes, 60)
    .option('--whole-rule', 'all that the rule covers, and not that method and path at that host alone')
    .action(async (id: string, options: { for: number; wholeRule?: true }) => {
      const terms = { minutes: options.for, wholeRule: options.wholeRule === true };
      const decided = await openApi(context).call('POST', `${pathOf('approvals', id)}/approve`, approvalSchema, terms);
      context.terminal.notice(`approved until ${decided.endsAt}: ${described(decided)}`);
    });
  approval
    .command('deny')
    .description('say no: for an hour nobody is asked again; what was approved ends')
    .argument('<id>')
    .action(async (id: string) => {
      const decided = await openApi(context).call('POST', `${pathOf('approvals', id)}/deny`, approvalSchema);
      context.terminal.notice(`denied: ${described(decided)}`);
    });
  approval
    .command('end')
    .description('end what was approved or denied: the agent may ask again')
    .argument('<id>')
    .action(async (id: string) => {
      const decided = await openApi(context).call('POST', `${pathOf('approvals', id)}/end`, approvalSchema);
      context.terminal.notice(`${decided.state === 'ENDED' ? 'ended' : 'nothing to end'}: ${described(decided)}`);
    });
}

function addList(approval: Command, context: CommandContext): void {
  approval
    .command('list')
    .description('list what waits for a decision')
    .option('--all', 'and what was decided in the last 30 days')
    .option('--json', 'as JSON')
    .action(async (options: { all?: true; json?: true }) => {
      const query = options.all ? {} : { state: 'PENDING' };
      const found = await openApi(context).list('/api/approvals', approvalSchema, query);
      if (options.json) return context.terminal.print(JSON.stringify(found, null, 2));
      if (found.length === 0) return context.terminal.notice('nothing waits for a decision');
      const rows = found.map(({ id, state, rule, asks, lastAskedAt, ...asked }) => {
        return [id, state, asked.agent, rule, whatOf(asked), String(asks), lastAskedAt];
      });
      for (const line of formatTable(['ID', 'STATE', 'AGENT', 'RULE', 'WHAT', 'ASKED', 'LAST'], rows))
        context.terminal.print(line);
    });
}

function described({ agent, rule, isWholeRule, ...asked }: Approval): string {
  return isWholeRule ? `${agent} by ${rule}` : `${agent} ${whatOf(asked)}`;
}

function whatOf({ method, host, port, path }: Pick<Approval, 'method' | 'host' | 'port' | 'path'>): string {
  return `${method} ${host}${port === 443 ? '' : `:${port}`}${path}`;
}

const minutesIn = { m: 1, h: 60, d: 1440 } as const;
const mostMinutes = 10_080;

/** `15m`, `8h`, `7d`, in minutes. */
function parseMinutes(text: string): number {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const minutes = Number(count) * minutesIn[unit as keyof typeof minutesIn];
  if (!(minutes >= 1 && minutes <= mostMinutes))
    throw new InvalidArgumentError('expected a time of at most a week: 15m, 8h, 7d.');
  return minutes;
}
