import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { AppliedWait } from './applied-wait.ts';
import { CliError } from './cli-error.ts';
import type { CommandContext } from './command-context.ts';
import { addAgent } from './commands/agent.ts';
import { addAsCode, asCodeFault } from './commands/as-code.ts';
import { addAudit } from './commands/audit.ts';
import { addBackup, addRestore } from './commands/backup.ts';
import { addCa } from './commands/ca.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEnv } from './commands/env.ts';
import { addKey } from './commands/key.ts';
import { addKeys } from './commands/keys.ts';
import { addLogin } from './commands/login.ts';
import { addUser } from './commands/user.ts';
import { addExport } from './commands/export.ts';
import { addPolicy } from './commands/policy.ts';
import { addDatabase, addProcesses } from './commands/process.ts';
import { addRotation } from './commands/rotation.ts';
import { addRoute } from './commands/route.ts';
import { addRun } from './commands/run.ts';
import { addSecret } from './commands/secret.ts';
import { addStart } from './commands/start.ts';
import { addSupportBundle } from './commands/support-bundle.ts';
import { addApproval } from './commands/approval.ts';
import { addWorker } from './commands/worker.ts';
import { readEnvironment } from './environment.ts';
import { addWait } from './wait-option.ts';
import { openTerminal } from './terminal.ts';

const examples = `
Examples:
  onecli start
  onecli secret put prod/openai --host api.openai.com
  onecli agent create my-agent
  onecli policy allow my-agent api.openai.com --paths '/v1/**' --secrets prod/openai
  onecli run --agent my-agent -- python agent.py
  onecli audit
  onecli plan -f onecli.yaml; onecli apply -f onecli.yaml

Admin access comes from ONECLI_API_KEY, or ONECLI_ADMIN_USER and ONECLI_ADMIN_PASSWORD, with ONECLI_API_URL; else from \`onecli login\`;
else from the data folder of the gateway on this machine (ONECLI_DATA_DIR, ./data).
Exit codes: 0 done, 1 a fault, 2 called wrongly, 3 written but, by --wait, not known to be in force at every worker,
4 nothing done, for another process has the port or the data folder (\`start\`, \`restore\`, \`keys rekey\`); \`run\` ends with the code of its command. \`plan\` and \`diff\`: 2 for changes, 1 for any fault.`;

const commands = [
  addStart,
  addRun,
  addEnv,
  addSecret,
  addRotation,
  addAgent,
  addPolicy,
  addRoute,
  addAsCode,
  addExport,
  addAudit,
  addLogin,
  addUser,
  addKey,
  addKeys,
  addBackup,
  addRestore,
  addDatabase,
  addApproval,
  addWorker,
  addProcesses,
  addCa,
  addDoctor,
  addSupportBundle,
];

/** A command that says where its help is when it was called wrongly. */
class HelpfulCommand extends Command {
  override createCommand(name?: string): HelpfulCommand {
    return new HelpfulCommand(name);
  }

  override error(message: string, options?: Parameters<Command['error']>[1]): never {
    return super.error(`${message}\n(its help: ${typedAs(this)} --help)`, options);
  }
}

/** How a command is typed: `onecli secret put`. */
function typedAs(command: Command): string {
  return command.parent === null ? command.name() : `${typedAs(command.parent)} ${command.name()}`;
}

/** The whole command line. `context` gives the commands their surroundings; parse it with `parseAsync`. */
function buildProgram(makeContext: (program: Command) => CommandContext): Command {
  const program = new HelpfulCommand('onecli')
    .description(
      'OneCLI, a credential gateway for AI agents: they hold placeholders, it puts the real keys in on the way out',
    )
    .version(readVersion(), '--version')
    .option('--api-url <url>', 'address of the API (default: ONECLI_API_URL, or the gateway on this machine)')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText('after', examples)
    .exitOverride();
  const context = makeContext(program);
  for (const add of commands) add(program, context);
  addWait(program, context);
  return program;
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** Runs the command line of this process; gives the exit code, or undefined where the command set one itself. */
async function main(argv: readonly string[]): Promise<number | undefined> {
  try {
    const environment = readEnvironment();
    const terminal = openTerminal(environment);
    const program = buildProgram((root) => ({
      environment,
      terminal,
      apiUrlOption: () => root.opts<{ apiUrl?: string }>().apiUrl,
      wait: new AppliedWait(),
    }));
    await program.parseAsync(argv);
    return undefined;
  } catch (error) {
    // Commander has printed its own message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : error.code === asCodeFault ? 1 : 2;
    if (error instanceof CliError) {
      process.stderr.write(`onecli: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
      return error.exitCode;
    }
    // A fault of ours: name it without its values, which may hold what the user typed.
    process.stderr.write(
      `onecli: an unexpected fault\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 1;
  }
}

const exitCode = await main(process.argv);
if (exitCode !== undefined) process.exitCode = exitCode;
