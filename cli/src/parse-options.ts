import { InvalidArgumentError } from 'commander';

/** Gathers a repeatable option; commas separate too: `--host a --host b,c`. For commander's argument parser. */
export function collectList(text: string, before: readonly string[] = []): string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length === 0) throw new InvalidArgumentError('expected at least one value.');
  return [...before, ...items];
}

/** Gathers a repeatable option as it is given. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** Gathers `--label key=value` into a map. */
export function collectLabel(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected key=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** A whole number from 1 to `max`. */
export function parseCount(max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > max) throw new InvalidArgumentError(`expected a whole number from 1 to ${max}.`);
    return count;
  };
}
