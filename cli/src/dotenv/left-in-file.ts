import { findPlaceholders } from '@onecli/shared/domain/placeholder';
import type { Assignment, DotenvFile } from './dotenv-file.ts';

/** What to say of the lines that are not read. */
export function unreadNotices({ unread }: DotenvFile): string[] {
  return unread.map(({ variable, line }) => {
    const place = line === undefined ? '' : ` on line ${line}`;
    const advice = variable === undefined ? '' : `; write ${variable}='…', alone on its line`;
    return `left ${variable ?? 'what stands'}${place}: it can be read in more than one way${advice}`;
  });
}

/**
 * What to say of keys that stand in the file beside those that are in force: overridden further down, or in a comment that looks
 * like an old assignment of a variable that is set.
 */
export function remainderNotices(file: DotenvFile, isSecret: (variable: string) => boolean): string[] {
  const set = new Set([...file.assignments, ...file.unread].map(({ variable }) => variable));
  const remarks = (lines: readonly Assignment[], what: string) =>
    lines
      .filter(({ variable, value }) => isSecret(variable) && set.has(variable) && isPossibleKey(value))
      .map(({ variable, line }) => `warning: ${variable} on line ${line} ${what}; a key stands there still`);
  return [
    ...remarks(file.overridden, 'is overridden further down'),
    ...remarks(file.commented, 'is a comment that looks like an assignment'),
  ];
}

function isPossibleKey(value: string): boolean {
  return value !== '' && findPlaceholders(value).length === 0;
}
