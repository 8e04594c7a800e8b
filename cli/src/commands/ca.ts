import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { certificatesIn, fetchAuthorities } from '../ca-bundle.ts';
import { type CommandContext, findAccess, proxyAddress } from '../command-context.ts';
import { readStorePassword, requireFormat } from '../store-password.ts';
import { addImport } from './ca-import.ts';
import { addRotation } from './ca-rotation.ts';

export function addCa(program: Command, context: CommandContext): void {
  const ca = program.command('ca').description('the certificate authorities that clients have to trust');
  addExport(ca, context);
  addRotation(ca, context);
  addImport(ca, context);
}

interface ExportOptions {
  readonly out?: string;
  readonly proxyUrl?: string;
  readonly format: string;
  readonly passwordFile?: string;
}

function addExport(ca: Command, context: CommandContext): void {
  ca.command('export', { isDefault: true })
    .description('print them in PEM, the one that signs first; this is what `onecli ca` does, too')
    .option('--out <file>', 'write them to a file')
    .option('--format <format>', 'pem, or p12: a PKCS #12 trust store, for Java', 'pem')
    .option('--password-file <file>', 'the password of a p12 file, in its first line (default: asked for, or stdin)')
    .option('--proxy-url <url>', 'address of the proxy')
    .addHelpText(
      'after',
      `
Examples:
  onecli ca --out onecli-ca.pem
  onecli ca | openssl x509 -noout -fingerprint -sha256
  onecli ca export --format p12 --out onecli-ca.p12
  java -Djavax.net.ssl.trustStore=onecli-ca.p12 -Djavax.net.ssl.trustStorePassword=… …

\`onecli run\` sets it up for the command that it runs; nothing has to be installed for that. While the authority is being rotated
there are two: a client has to trust both.`,
    )
    .action((options: ExportOptions) => exportAuthorities(context, options));
}

async function exportAuthorities(context: CommandContext, options: ExportOptions): Promise<void> {
  const { out, proxyUrl, passwordFile } = options;
  const format = requireFormat(options.format, out);
  const pem = await fetchAuthorities(proxyAddress(context, proxyUrl, findAccess(context)));
  if (out === undefined) return context.terminal.write(pem);
  const content = format === 'pem' ? pem : await trustStoreOf(pem, await readStorePassword(passwordFile));
  writeFileSync(out, content, { mode: 0o644 });
  const fingerprints = certificatesIn(pem).map((one) => new X509Certificate(one).fingerprint256);
  context.terminal.notice(`wrote ${out} (SHA-256 ${fingerprints.join(', ')})`);
}

async function trustStoreOf(pem: string, password: string): Promise<Buffer> {
  // Read when it is needed: it takes a third of a second.
  const { trustStore } = await import('../pkcs12.ts');
  return trustStore(pem, password);
}
