import type { Variables } from './environment.ts';

/** How `onecli env` writes variables. */
export type VariableFormat = 'sh' | 'json' | 'dotenv' | 'fish';
export const variableFormats: readonly VariableFormat[] = ['sh', 'json', 'dotenv', 'fish'];

/**
 * Writes variables for a shell or a tool to read: what to set, and where the format can say it, what to unset. Gives text
 * that ends in a newline, or nothing at all.
 */
export function quoteVariables(format: VariableFormat, set: Variables, unset: readonly string[] = []): string {
  const pairs = Object.entries(set);
  switch (format) {
    case 'json':
      return `${JSON.stringify(set, null, 2)}\n`;
    case 'sh':
      return lines([...unset.map((name) => `unset ${name}`), ...pairs.map(([k, v]) => `export ${k}=${quoteSh(v)}`)]);
    case 'fish':
      return lines([
        ...unset.map((name) => `set -e ${name}`),
        ...pairs.map(([k, v]) => `set -gx ${k} ${quoteFish(v)}`),
      ]);
    case 'dotenv':
      return lines(pairs.map(([k, v]) => `${k}=${quoteDotenv(v)}`));
  }
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}

// POSIX 2.2.2: nothing is special between single quotes, and a single quote cannot stand there.
function quoteSh(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

function quoteFish(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

// Bare where possible: `docker run --env-file` takes quotes as part of the value.
function quoteDotenv(value: string): string {
  if (/^[\w@%+:,./-]*$/.test(value)) return value;
  if (!/['\n\r]/.test(value)) return `'${value}'`;
  const escaped = value
    .replace(/[\\"$]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `"${escaped}"`;
}
