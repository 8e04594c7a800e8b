import type { Command } from 'commander';
import { z } from 'zod';
import { pathOf, type Route, routeSchema } from '../api/api-types.ts';
import { usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { formatTable } from '../format-table.ts';
import { collect, collectList } from '../parse-options.ts';

interface SetOptions {
  readonly secret: string;
  readonly host: string[];
  readonly paths?: string[];
  readonly methods?: string[];
  readonly header?: string[];
  readonly query?: string[];
  readonly path?: string;
  readonly removeHeader?: string[];
  readonly removeQuery?: string[];
}

const setExamples = `
Examples:
  onecli route set openai --secret prod/openai --host api.openai.com --header 'Authorization: Bearer {secret}'
  onecli route set maps --secret prod/maps --host maps.example.com --query 'key={secret}' --remove-header X-Key
  onecli route set telegram --secret prod/telegram --host api.telegram.org --path '/bot{secret}{path}'

Acts for agents whose policy grants the secret, on hosts and surfaces of the secret's binding. What the agent sent there is replaced.`;

export function addRoute(program: Command, context: CommandContext): void {
  const route = program.command('route').description('put a secret into requests that hold no placeholder');
  addSet(route, context);
  route
    .command('list')
    .description('list routes, and why one of them does nothing')
    .option('--json', 'as JSON')
    .action(async (options: { json?: true }) => {
      const routes = await openApi(context).list('/api/routes', routeSchema);
      if (options.json) return context.terminal.print(JSON.stringify(routes, null, 2));
      if (routes.length === 0) {
        return context.terminal.notice('no routes yet; agents send placeholders, or: onecli route set --help');
      }
      for (const line of formatTable(['NAME', 'SECRET', 'HOSTS', 'DOES', 'PROBLEM'], routes.map(row))) {
        context.terminal.print(line);
      }
    });
  route
    .command('delete')
    .description('delete a route; one that is absent is no fault')
    .argument('<name>')
    .action(async (name: string) => {
      const api = openApi(context);
      const isThere = (await api.find(pathOf('routes', name), routeSchema)) !== undefined;
      await api.call('DELETE', pathOf('routes', name), z.unknown());
      context.terminal.notice(isThere ? `deleted route ${name}` : `there is no route "${name}": nothing to delete`);
    });
}

function addSet(route: Command, context: CommandContext): void {
  route
    .command('set')
    .description('make a route, or replace the one of that name')
    .argument('<name>')
    .requiredOption('--secret <name>', 'the secret')
    .requiredOption('--host <pattern>', 'host that it is for; repeatable', collectList)
    .option('--paths <patterns>', 'only these paths; repeatable (default: all)', collectList)
    .option('--methods <methods>', 'only these methods; repeatable (default: all)', collectList)
    .option('--header <field>', "set a header: 'Authorization: Bearer {secret}'; repeatable", collect)
    .option('--query <parameter>', "set a query parameter: 'key={secret}'; repeatable", collect)
    .option('--path <template>', "ask for another path: '/bot{secret}{path}'")
    .option('--remove-header <name>', 'take a header out; repeatable', collectList)
    .option('--remove-query <name>', 'take a query parameter out; repeatable', collectList)
    .addHelpText('after', setExamples)
    .action(async (name: string, options: SetOptions) => {
      const api = openApi(context);
      const body = routeBody(options);
      const existing = await api.find(pathOf('routes', name), routeSchema);
      const stored =
        existing === undefined
          ? await api.call('POST', '/api/routes', routeSchema, { name, ...body })
          : await api.call('PUT', pathOf('routes', name), routeSchema, body);
      context.terminal.notice(`route ${name}: ${describe(stored)}`);
      if (typeof stored.problem === 'string')
        context.terminal.notice(`warning: it does nothing yet: ${stored.problem}`);
    });
}

/** The fields of a route as the API takes them. @throws CliError for a field or parameter without its separator */
export function routeBody(options: SetOptions): Record<string, unknown> {
  const { secret, host, paths = [], methods = [], header = [], query = [], path } = options;
  const inject = [
    ...header.map((text) => ({ header: namedTemplate(text, ':', '--header') })),
    ...query.map((text) => ({ query: namedTemplate(text, '=', '--query') })),
    ...(path === undefined ? [] : [{ path: { template: path } }]),
    ...(options.removeHeader ?? []).map((name) => ({ remove: { header: name } })),
    ...(options.removeQuery ?? []).map((name) => ({ remove: { query: name } })),
  ];
  if (inject.length === 0) {
    throw usageError(
      'a route does at least one thing',
      'give --header, --query, --path, --remove-header or --remove-query',
    );
  }
  return { secret, hosts: host, paths, methods: methods.map((method) => method.toUpperCase()), inject };
}

function namedTemplate(text: string, separator: string, option: string): { name: string; template: string } {
  const at = text.indexOf(separator);
  if (at < 1)
    throw usageError(
      `${option} is a name, \`${separator}\` and a template that holds {secret}`,
      `got no \`${separator}\``,
    );
  return { name: text.slice(0, at).trim(), template: text.slice(at + 1).trim() };
}

function describe({ inject }: Route): string {
  const parts = inject.map((each) => {
    if (each.header) return `${each.header.name}: ${each.header.template}`;
    if (each.query) return `?${each.query.name}=${each.query.template}`;
    if (each.path) return each.path.template;
    return `without ${each.remove?.header ?? `?${each.remove?.query ?? ''}`}`;
  });
  return parts.join(', ');
}

function row(route: Route): string[] {
  return [route.name, route.secret, route.hosts.join(', '), describe(route), route.problem ?? ''];
}
