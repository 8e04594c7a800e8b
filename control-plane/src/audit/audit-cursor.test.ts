import { describe, expect, it } from 'vitest';
import { readAuditCursor, writeAuditCursor } from './audit-cursor.ts';

describe('audit cursor', () => {
  it('gives back the place that it was made of', () => {
    const place = { timeMs: 1_790_000_000_123, id: 'worker-1.boot-7' };
    expect(readAuditCursor(writeAuditCursor(place))).toEqual(place);
    expect(writeAuditCursor(place)).toMatch(/^[\w-]+$/);
  });

  it.each([
    '',
    'x',
    '%%%',
    Buffer.from('1.').toString('base64url'),
    Buffer.from('a.b').toString('base64url'),
    Buffer.from('1.a\0').toString('base64url'),
  ])('refuses %j, naming the field', (cursor) => {
    expect(() => readAuditCursor(cursor)).toThrow(expect.objectContaining({ code: 'INVALID', field: 'after' }));
  });
});
