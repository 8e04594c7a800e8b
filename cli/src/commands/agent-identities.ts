import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { agentSchema, certificateSchema, pathOf, writtenAgentSchema } from '../api/api-types.ts';
import { usageError } from '../cli-error.ts';
import { type CommandContext, openApi } from '../command-context.ts';
import { collectIdentity, type IdentityInput, identityForms } from '../identity-option.ts';
import { collectLabel, parseCount } from '../parse-options.ts';
import type { keyStore } from '../pkcs12.ts';
import { readStorePassword, requireFormat } from '../store-password.ts';
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
    .option('--format <format>', 'pem, or p12: a PKCS #12 key store', 'pem')
    .option('--password-file <file>', 'the password of a p12 file, in its first line (default: asked for, or stdin)')
    .addHelpText(
      'after',
      `
Examples:
  onecli agent certificate ci --out ci.pem
  onecli agent certificate ci --format p12 --out ci.p12
  curl --proxy https://gateway:10254 --proxy-cacert onecli-ca.pem --proxy-cert ci.pem https://api.example.com/`,
    )
    .action((name: string, options: CertificateOptions) => issueCertificate(context, name, options));
}

interface CertificateOptions {
  readonly days: number;
  readonly out?: string;
  readonly format: string;
  readonly passwordFile?: string;
}

async function issueCertificate(context: CommandContext, name: string, options: CertificateOptions): Promise<void> {
  const { days, out, passwordFile } = options;
  const format = requireFormat(options.format, out);
  // Whatever may be wrong with the password is so before there is a key, which is given once.
  const password = format === 'p12' ? await readStorePassword(passwordFile) : undefined;
  if (out === undefined) return print(context, await issue());
  const file = openNew(out);
  try {
    const { content, expiresAt } = await issue();
    writeFileSync(file, content);
    context.terminal.notice(`wrote ${out}, good until ${expiresAt}`);
  } catch (error) {
    rmSync(out);
    throw error;
  } finally {
    closeSync(file);
  }

  async function issue(): Promise<Issued> {
    const issued = await openApi(context).call('POST', `${pathOf('agents', name)}/certificate`, certificateSchema, {
      days,
    });
    const content =
      password === undefined ? issued.privateKey + issued.certificate : await keyStoreOf({ ...issued, name }, password);
    return { content, expiresAt: issued.expiresAt };
  }
}

interface Issued {
  readonly content: string | Buffer;
  readonly expiresAt: string;
}

function print(context: CommandContext, { content, expiresAt }: Issued): void {
  context.terminal.write(content.toString());
  context.terminal.notice(`it is good until ${expiresAt}`);
}

/** @throws CliError when the file cannot be made, or is there: it may be a key that is in use */
function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    throw usageError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code}); no certificate was issued`);
  }
}

async function keyStoreOf(issued: Parameters<typeof keyStore>[0], password: string): Promise<Buffer> {
  // Read when it is needed: it takes a third of a second.
  return (await import('../pkcs12.ts')).keyStore(issued, password);
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
