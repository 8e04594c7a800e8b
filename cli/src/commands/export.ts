import type { Command } from 'commander';
import { exportConfiguration, exportSchemas } from '../as-code/export-configuration.ts';
import { type CommandContext, openApi } from '../command-context.ts';

export function addExport(program: Command, context: CommandContext): void {
  program
    .command('export')
    .description('write what runs as a file for `onecli apply`; values are never in it')
    .option('--managed-by <name>', 'only what this source made')
    .option('--no-values', 'name no variables for values')
    .addHelpText(
      'after',
      `
Examples:
  onecli export > onecli.yaml
  onecli export --managed-by github.com/acme/infra | onecli diff -f - --no-values`,
    )
    .action(async (options: { managedBy?: string; values: boolean }) => {
      const api = openApi(context);
      const all = Number.POSITIVE_INFINITY;
      const [secrets, agents, policies, routes] = await Promise.all([
        api.list('/api/secrets', exportSchemas.secrets, {}, all),
        api.list('/api/agents', exportSchemas.agents, {}, all),
        api.list('/api/policies', exportSchemas.policies, {}, all),
        api.list('/api/routes', exportSchemas.routes, {}, all),
      ]);
      const { managedBy, values: hasValues } = options;
      context.terminal.write(exportConfiguration({ secrets, agents, policies, routes }, { managedBy, hasValues }));
    });
}
