import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { certificatesIn, fetchAuthorities } from '../ca-bundle.ts';
import { type CommandContext, findAccess, proxyAddress } from '../command-context.ts';
import { addImport } from './ca-import.ts';
import { addRotation } from './ca-rotation.ts';

export function addCa(program: Command, context: CommandContext): void {
  const ca = program.command('ca').description('the certificate authorities that clients have to trust');
  addExport(ca, context);
  addRotation(ca, context);
  addImport(ca, context);
}

function addExport(ca: Command, context: CommandContext): void {
  ca.command('export', { isDefault: true })
    .description('print them in PEM, the one that signs first; this is what `onecli ca` does, too')
    .option('--out <file>', 'write them to a file')
    .option('--proxy-url <url>', 'address of the proxy')
    .addHelpText(
      'after',
      `
Examples:
  onecli ca --out onecli-ca.pem
  onecli ca | openssl x509 -noout -fingerprint -sha256

\`onecli run\` sets it up for the command that it runs; nothing has to be installed for that. While the authority is being rotated
there are two: a client has to trust both.`,
    )
    .action(async (options: { out?: string; proxyUrl?: string }) => {
      const pem = await fetchAuthorities(proxyAddress(context, options.proxyUrl, findAccess(context)));
      if (options.out === undefined) return context.terminal.write(pem);
      writeFileSync(options.out, pem, { mode: 0o644 });
      const fingerprints = certificatesIn(pem).map((one) => new X509Certificate(one).fingerprint256);
      context.terminal.notice(`wrote ${options.out} (SHA-256 ${fingerprints.join(', ')})`);
    });
}
