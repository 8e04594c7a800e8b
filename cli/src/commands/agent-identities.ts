import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { agentSchema, certificateSchema, pathOf, writtenAgentSchema } from '../api/api-types.ts';
import { usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { collectIdentity, type IdentityInput, identityForms } from '../identity-option.ts';
import { collectLabel, parseCount } from '../parse-options.ts';
import { handOut } from './hand-out-token.ts';

const maxDays = 365;

/** `onecli agent update`: another way to be recognised, other labels. */
export function addUpdate(agent: Command, context: CommandContext): void {
  agent
    .command('update')
    .description('change what an agent is recognised by, or its labels; what is not given stays')
    .argument('<name>')
    .option('--identity <identity>', 'replaces all identities; repeatable', collectIdentity)
    .option('--label <key=value>', 'replaces all labels; repeatable', collectLabel)
    .option('--no-save', 'do not keep a new token for `onecli run` on this machine')
    .addHelpText(
      'after',
      `
Identities:
${identityForms}

Examples:
  onecli agent update ci --identity token --identity cn:ci
  onecli agent update ci --identity token:from=10.1.0.0/16,expires=90d`,
    )
    .action(
      async (
        name: string,
        {
          identity: identities,
          label: labels,
          save,
        }: { identity?: IdentityInput[]; label?: Record<string, string>; save: boolean },
      ) => {
        if (identities === undefined && labels === undefined) throw usageError('give --identity or --label');
        const api = openApi(context);
        const body = { ...(identities && { identities }), ...(labels && { labels }) };
        const { token } = await api.call('PUT', pathOf('agents', name), writtenAgentSchema, body);
        context.terminal.notice(`updated ${name}`);
        if (token !== undefined) handOut(context, api, name, token, { save });
      },
    );
}

/** `onecli agent certificate`: a client certificate and its key, told once. */
export function addCertificate(agent: Command, context: CommandContext): void {
  agent
    .command('certificate')
    .description('issue a client certificate for an agent with a cn:, dns: or uri: identity; the key is given once')
    .argument('<name>')
    .option('--days <number>', `how long it is good, at most ${maxDays}`, parseCount(maxDays), 30)
    .option('--out <file>', 'write key and certificate to a file that only you can read')
    .addHelpText(
      'after',
      `
Examples:
  onecli agent certificate ci --out ci.pem
  curl --proxy https://gateway:10254 --proxy-cacert onecli-ca.pem --proxy-cert ci.pem https://api.example.com/`,
    )
    .action(async (name: string, { days, out }: { days: number; out?: string }) => {
      const path = `${pathOf('agents', name)}/certificate`;
      const issued = await openApi(context).call('POST', path, certificateSchema, { days });
      const pem = issued.privateKey + issued.certificate;
      if (out === undefined) context.terminal.write(pem);
      else writeFileSync(out, pem, { mode: 0o600, flag: 'wx' });
      context.terminal.notice(`${out === undefined ? 'it is' : `wrote ${out},`} good until ${issued.expiresAt}`);
    });
}

/** `onecli agent show`: everything of one agent but its token. */
export function addShow(agent: Command, context: CommandContext): void {
  agent
    .command('show')
    .description('show an agent and what it is recognised by, as JSON')
    .argument('<name>')
    .action(async (name: string) => {
      const found = await openApi(context).call('GET', pathOf('agents', name), agentSchema);
      context.terminal.print(JSON.stringify(found, null, 2));
    });
}
