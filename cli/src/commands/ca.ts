import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { fetchAuthority } from '../ca-bundle.ts';
import { type CommandContext, findAccess, proxyAddress } from '../command-context.ts';

export function addCa(program: Command, context: CommandContext): void {
  program
    .command('ca')
    .description("print the gateway's certificate authority, which clients have to trust, in PEM")
    .option('--out <file>', 'write it to a file')
    .option('--proxy-url <url>', 'address of the proxy')
    .addHelpText(
      'after',
      `
Examples:
  onecli ca --out onecli-ca.pem
  onecli ca | openssl x509 -noout -fingerprint -sha256

\`onecli run\` sets it up for the command that it runs; nothing has to be installed for that.`,
    )
    .action(async (options: { out?: string; proxyUrl?: string }) => {
      const pem = await fetchAuthority(proxyAddress(context, options.proxyUrl, findAccess(context)));
      if (options.out === undefined) return context.terminal.write(pem);
      writeFileSync(options.out, pem, { mode: 0o644 });
      context.terminal.notice(`wrote ${options.out} (SHA-256 ${new X509Certificate(pem).fingerprint256})`);
    });
}
