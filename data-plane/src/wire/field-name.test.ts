import { describe, expect, it } from 'vitest';
import { fieldNameAt } from './field-name.ts';

const nameOf = (text: string) => fieldNameAt(Buffer.from(`>${text}:`, 'latin1'), 1, 1 + text.length);

describe('fieldNameAt', () => {
  it('gives a name as it came and in lower case, and says what goes no farther', () => {
    expect(nameOf('X-Cafe')).toMatchObject({ rawName: 'X-Cafe', name: 'x-cafe', isHopByHop: false });
    for (const name of ['Connection', 'proxy-authorization', 'X-OneCLI-Any'])
      expect(nameOf(name)).toMatchObject({ name: name.toLowerCase(), isHopByHop: true });
  });

  it('takes no name for another, whatever fell on its place before', () => {
    // Some 2,000 places: most of these push another name out, and each comes twice.
    const names = Array.from({ length: 20_000 }, (_, index) => `X-${index.toString(36)}`);
    for (const name of [...names, ...names]) expect(nameOf(name).rawName).toBe(name);
    expect(nameOf('HOST').rawName).toBe('HOST');
    expect(nameOf('Host').rawName).toBe('Host');
  });

  it('keeps nothing of the bytes that a name was read from', () => {
    const bytes = Buffer.from('x-first', 'latin1');
    fieldNameAt(bytes, 0, bytes.length);
    bytes.write('y-other', 'latin1');
    expect(fieldNameAt(bytes, 0, bytes.length).rawName).toBe('y-other');
    expect(nameOf('x-first').rawName).toBe('x-first');
  });
});
