import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { hideInText } from '@onecli/shared/hide-credentials';
import { loginUrl, originOf } from '../api/admin-access.ts';
import { ApiError } from '../api/api-client.ts';
import { CliError, usageError } from '../cli-error.ts';
import { type CommandContext, findAccess, openApi, proxyAddress } from '../command-context.ts';
import { knownSecrets, withoutSecrets } from '../support/known-secrets.ts';
import { findDataFolder, localParts } from '../support/local-parts.ts';
import { found, missing, type Part } from '../support/part.ts';
import { controlPlaneParts, openParts } from '../support/remote-parts.ts';
import { tarFile } from '../support/tar-file.ts';

interface BundleOptions {
  readonly offline?: true;
  readonly logLines: string;
}

export function addSupportBundle(program: Command, context: CommandContext): void {
  program
    .command('support-bundle')
    .description('write one file for whoever helps: how everything is, without any secret')
    .argument('[file]', 'a tar.gz (default: onecli-support-<time>.tar.gz)')
    .option('--offline', 'only what can be had without signing in to the control plane')
    .option('--log-lines <number>', 'last lines of each log of the data folder', '1000')
    .addHelpText(
      'after',
      `
Names of secrets, agents and users are in it. Values, tokens, passwords, keys and details of admin events are not. What could not be
had is listed, with the reason, in bundle.json. docs/operations.md says what is in it.`,
    )
    .action(async (file: string | undefined, options: BundleOptions) => {
      const now = new Date();
      const path = file ?? `onecli-support-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.tar.gz`;
      const dataFolder = findDataFolder(context.environment);
      const parts = [
        ...(await askControlPlane(context, options.offline === true)),
        ...(await openParts(apiOrigin(context), 'control-plane-port')),
        ...(await openParts(originOf(proxyAddress(context, undefined, findAccess(context))), 'proxy-port')),
        ...localParts(context.environment, dataFolder, lineCount(options.logLines)),
      ];
      write(path, parts, knownSecrets(context.environment, dataFolder), now);
      context.terminal.notice(`wrote ${path}`);
      for (const part of parts)
        if (part.kind === 'missing') context.terminal.notice(`missing: ${part.name}: ${part.reason}`);
    });
}

async function askControlPlane(context: CommandContext, isOffline: boolean): Promise<Part[]> {
  if (isOffline) return [missing('control-plane', 'not asked: --offline')];
  try {
    return await controlPlaneParts(openApi(context));
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) throw error;
    if (!(error instanceof CliError)) throw error;
    const hint = 'with --offline the bundle has what can be had without it';
    throw new CliError(error.message, {
      cause: error,
      hint: error.hint === undefined ? hint : `${error.hint}; ${hint}`,
    });
  }
}

function apiOrigin({ environment, apiUrlOption }: CommandContext): string {
  return loginUrl(environment, apiUrlOption());
}

function lineCount(text: string): number {
  if (!/^[0-9]{1,6}$/.test(text)) throw usageError('--log-lines has to be a number, at most 999999');
  return Number(text);
}

/** Every file goes through the same last look, whatever made it. */
function write(path: string, parts: readonly Part[], secrets: readonly string[], now: Date): void {
  const index = {
    createdAt: now,
    missing: parts.flatMap((part) => (part.kind === 'missing' ? [{ name: part.name, reason: part.reason }] : [])),
  };
  const files = [found('bundle.json', index), ...parts].flatMap((part) =>
    part.kind === 'missing' ? [] : [{ name: part.name, text: withoutSecrets(hideInText(part.text), secrets) }],
  );
  try {
    writeFileSync(path, tarFile(files, now), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new CliError(`${path} ${isThere ? 'is there already' : 'cannot be written'}`, { cause });
  }
}
