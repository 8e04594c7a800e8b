import { printable } from './terminal.ts';

/** Lays rows out in columns under a heading, two spaces apart, each cell made safe to print. Gives lines. */
export function formatTable(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const table = [heading, ...rows.map((row) => row.map(printable))];
  const widths = heading.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
