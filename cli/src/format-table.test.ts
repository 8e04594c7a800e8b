import { describe, expect, it } from 'vitest';
import { formatTable } from './format-table.ts';

describe('formatTable', () => {
  it('aligns columns and leaves no space at the end', () => {
    expect(
      formatTable(
        ['A', 'B'],
        [
          ['long', 'x'],
          ['y', ''],
        ],
      ),
    ).toEqual(['A     B', 'long  x', 'y']);
  });

  it('does not let a host that an agent chose move the cursor', () => {
    expect(formatTable(['HOST'], [['a\u001b[2Jb\n\u202e']])[1]).toBe('a\\u{1b}[2Jb\\u{a}\\u{202e}');
  });
});
