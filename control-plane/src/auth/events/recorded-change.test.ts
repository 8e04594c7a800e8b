import { describe, expect, it } from 'vitest';
import { beforeAndAfter } from './recorded-change.ts';

const hosts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `${String(index + from).padStart(4, '0')}.${'x'.repeat(60)}.example`);

describe('beforeAndAfter', () => {
  it('tells the fields that differ, whole, as they are stored', () => {
    const was = { binding: { hosts: ['a.example', 'b.example'] }, isDisabled: false, expiresAt: null, note: undefined };
    const is = { ...was, binding: { hosts: ['a.example', 'c.example'] }, expiresAt: new Date(0) };
    expect(beforeAndAfter(was, is)).toEqual({
      before: { binding: { hosts: ['a.example', 'b.example'] }, expiresAt: null },
      after: { binding: { hosts: ['a.example', 'c.example'] }, expiresAt: '1970-01-01T00:00:00.000Z' },
    });
    expect(beforeAndAfter(was, { ...was })).toEqual({});
    expect(beforeAndAfter(undefined, { isDisabled: false })).toEqual({ after: { isDisabled: false } });
  });

  it('tells of long lists and maps what differs, and says so: no length hides one host among others', () => {
    const was = { binding: { hosts: hosts(200), surfaces: ['header'] }, labels: { a: '1', b: '2' } };
    const is = {
      binding: { hosts: [...hosts(150), 'evil.example', ...hosts(49, 151)], surfaces: ['header'] },
      labels: { a: '1', b: '3' },
    };
    expect(beforeAndAfter(was, is)).toEqual({
      before: { binding: { hosts: hosts(1, 150) }, labels: { b: '2' } },
      after: { binding: { hosts: ['evil.example'] }, labels: { b: '3' } },
      isPart: true,
    });
  });

  it('is bounded whatever the object: the head of what differs, and how much more there is', () => {
    const labels = (value: string) => Object.fromEntries(hosts(64).map((key) => [key.slice(0, 63), value.repeat(128)]));
    const rules = (from: number) => hosts(500, from).map((host) => ({ allow: { hosts: [host, 'y'.repeat(300)] } }));
    const told = beforeAndAfter({ rules: rules(0), labels: labels('a') }, { rules: rules(1000), labels: labels('b') });
    expect(JSON.stringify(told).length).toBeLessThan(16_384);
    expect(told.isPart).toBe(true);
    const { rules: head } = beforeAndAfter({ rules: [] }, { rules: rules(0) }).after as { rules: unknown[] };
    expect(head.at(-1)).toMatch(/^… 4\d\d more$/);
    expect(head[0]).toEqual({ allow: { hosts: [hosts(1)[0], `${'y'.repeat(256)}…`] } });
  });

  it('cuts no character in two, which PostgreSQL would refuse', () => {
    const text = `${'x'.repeat(255)}${'😀'.repeat(9_000)}`;
    expect(beforeAndAfter({ text: '' }, { text }).after).toEqual({ text: `${'x'.repeat(255)}…` });
  });
});
