import { type Command, CommanderError } from 'commander';
import { ask } from '../as-code/ask.ts';
import { stdinPath } from '../as-code/find-files.ts';
import { isChange, type PlanAnswer } from '../as-code/plan-answer.ts';
import { renderPlan, type View } from '../as-code/render-plan.ts';
import {
  type PlanBody,
  readPlanBody,
  requestApply,
  requestPlan,
  requireAllowed,
  rotationHints,
  type SourceOptions,
} from '../as-code/request-plan.ts';
import { openTokenOutlet, type TokenOutletOptions } from '../as-code/token-outlet.ts';
import type { ApiClient } from '../api/api-client.ts';
import { CliError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';

interface ViewOptions extends SourceOptions {
  readonly json?: true;
}

interface ApplyOptions extends ViewOptions, TokenOutletOptions {
  readonly yes?: true;
  readonly planHash?: string;
}

/** Exit codes as other tools of this kind have them: a fault in how a command was called is a fault like others. */
const changesExitCode = 2;
export const asCodeFault = 'onecli.asCode';

const exitCodes = `
Exit codes: 0 nothing differs, 2 something does, 1 a fault.`;

/** `plan`, `diff` and `apply`: configuration as files. */
export function addAsCode(program: Command, context: CommandContext): void {
  addSourceOptions(program.command('plan'))
    .description('show what apply would do; changes nothing')
    .addHelpText(
      'after',
      `
Examples:
  onecli plan -f onecli.yaml
  onecli plan -f config/ --managed-by github.com/acme/infra --prune
  onecli plan -f config/ --no-values     # where the values are not at hand, as in a pull request
${exitCodes}`,
    )
    .action((options: ViewOptions) => withFaultsAsOne(() => view(context, options, 'plan')));
  addSourceOptions(program.command('diff'))
    .description('show where the gateway differs from the files')
    .addHelpText('after', exitCodes)
    .action((options: ViewOptions) => withFaultsAsOne(() => view(context, options, 'drift')));
  addApply(program, context);
}

function addApply(program: Command, context: CommandContext): void {
  addSourceOptions(program.command('apply'))
    .description('bring the gateway to what the files say: all of it, or nothing')
    .option('--yes', 'do not ask')
    .option('--plan-hash <hash>', 'apply that plan and no other, without asking')
    .option('--tokens-to <file>', 'write the tokens of new agents there, as JSON, mode 0600; it must not exist')
    .option('--print-tokens', 'print the tokens of new agents')
    .option('--save-tokens', 'keep the tokens of new agents for `onecli run` on this machine')
    .addHelpText(
      'after',
      `
Examples:
  onecli apply -f onecli.yaml --save-tokens
  onecli apply -f config/ --managed-by github.com/acme/infra --prune --yes
  onecli plan -f config/ --json > plan.json; onecli apply -f config/ --plan-hash "$(jq -r .planHash plan.json)"

Exit codes: 0 done, or nothing to do; 1 a fault. Nothing was applied then, unless it says that it may have been, or that it was.
3: it was applied, but is, by --wait, not known to be in force everywhere.`,
    )
    .action((options: ApplyOptions) => withFaultsAsOne(() => apply(context, options)));
}

function addSourceOptions(command: Command): Command {
  return command
    .requiredOption('-f, --file <paths...>', 'YAML file, folder of them, or - for stdin; repeatable')
    .option('--managed-by <name>', 'the source that these files are, if they do not say so themselves')
    .option('--prune', 'delete what this source made and the files no longer name')
    .option('--adopt', 'take over objects that were made by hand or by another source')
    .option('--no-values', 'read and send no values: those that are stored stay')
    .option('--json', 'as JSON')
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : new CommanderError(1, asCodeFault, error.message);
    });
}

/** A fault in how it was called has the exit code of other faults: 2 means that something differs. */
async function withFaultsAsOne(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== 2) throw error;
    throw new CliError(error.message, { cause: error, ...(error.hint !== undefined && { hint: error.hint }) });
  }
}

async function view(context: CommandContext, options: ViewOptions, what: View): Promise<void> {
  const { terminal, environment } = context;
  const body = readPlanBody(options, environment.inherited);
  const plan = await requestPlan(openApi(context), body);
  if (options.json) terminal.print(JSON.stringify(plan, null, 2));
  else printPlan(context, plan, what);
  if (isChange(plan)) process.exitCode = changesExitCode;
}

function printPlan({ terminal }: CommandContext, plan: PlanAnswer, what: View): void {
  for (const line of renderPlan(plan, what, (colour, text) => terminal.paint(colour, text))) terminal.print(line);
  if (what === 'plan' && plan.planHash !== null && isChange(plan)) terminal.print(`plan ${plan.planHash}`);
}

async function apply(context: CommandContext, options: ApplyOptions): Promise<void> {
  const { terminal, environment } = context;
  const body = readPlanBody(options, environment.inherited);
  const api = openApi(context);
  const plan = await requestPlan(api, body);
  if (!options.json) printPlan(context, plan, 'plan');
  requireAllowed(plan, 'applied');
  if (options.planHash !== undefined && options.planHash !== plan.planHash)
    throw new CliError('that is not the plan of these files as the gateway is now: plan again');
  if (!isChange(plan) && !api.isWaiting) {
    if (options.json) terminal.print(JSON.stringify({ revision: plan.revision, changes: plan.changes }, null, 2));
    return;
  }
  if (plan.planHash === null)
    throw new CliError('nothing was applied: a new secret needs its value', { hint: 'leave --no-values away' });
  if (isChange(plan)) await confirm(options);
  await applyPlan(context, api, { plan, body, options });
}

async function applyPlan(
  context: CommandContext,
  api: ApiClient,
  given: {
    readonly plan: PlanAnswer;
    readonly body: PlanBody;
    readonly options: ApplyOptions;
  },
): Promise<void> {
  const { plan, body, options } = given;
  const hasTokens = plan.changes.some(({ makesToken }) => makesToken);
  const outlet = hasTokens ? openTokenOutlet(context, api, options) : undefined;
  const { tokens, ...done } = await requestApply(api, body, plan).catch((error: unknown) => {
    outlet?.abandon();
    throw error;
  });
  try {
    outlet?.take(tokens);
  } catch (cause) {
    throw new CliError(`applied in revision ${done.revision}, but not all tokens were handed out`, {
      cause,
      hint: rotationHints(plan.changes).join('\n  '),
    });
  }
  if (options.json) context.terminal.print(JSON.stringify(done, null, 2));
  else if (isChange(plan)) context.terminal.notice(`applied in revision ${done.revision}`);
}

async function confirm({ yes, planHash, file }: ApplyOptions): Promise<void> {
  if (yes || planHash !== undefined) return;
  if (!process.stdin.isTTY || file.includes(stdinPath))
    throw new CliError('nothing was applied: there is nobody to ask', { hint: 'give --yes or --plan-hash' });
  if (!(await ask('Apply?'))) throw new CliError('nothing was applied');
}
