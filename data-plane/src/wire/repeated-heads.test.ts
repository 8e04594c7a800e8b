import { describe, expect, it } from 'vitest';
import { RepeatedHead, RepeatedHeads } from './repeated-heads.ts';

const limits = { maxHeadBytes: 65_536, maxHeaders: 100 };
const text = 'GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n';

function headOf(heads: RepeatedHeads, connection: object, bytes: string) {
  const parsed = heads.parse(connection, Buffer.from(bytes, 'latin1'), limits);
  if (parsed.kind !== 'head') throw new Error(parsed.kind);
  return parsed;
}

describe('RepeatedHeads', () => {
  it('gives the same object from the second time on, and what follows is left', () => {
    const [heads, one] = [new RepeatedHeads(), {}];
    const first = headOf(heads, one, text);
    const second = headOf(heads, one, `${text}next`);
    expect(first.head).not.toBeInstanceOf(RepeatedHead);
    expect(second.head).toBeInstanceOf(RepeatedHead);
    expect(second).toMatchObject({ head: { ...first.head }, consumedBytes: text.length });
    expect(headOf(heads, one, text).head).toBe(second.head);
  });

  it('takes no head for another that begins, ends or differs in a byte', () => {
    const [heads, one] = [new RepeatedHeads(), {}];
    headOf(heads, one, text);
    const repeated = headOf(heads, one, text).head;
    for (const other of [
      text.replace('/a', '/b'),
      text.replace('\r\n\r\n', '\r\nX: y\r\n\r\n'),
      text.replace('GET', 'PUT'),
    ]) {
      const { head, consumedBytes } = headOf(heads, one, other);
      expect(head).not.toBe(repeated);
      expect(consumedBytes).toBe(other.length);
    }
    expect(headOf(heads, one, text).head).not.toBe(repeated);
    expect(heads.parse(one, Buffer.from(text.slice(0, -1)), limits).kind).toBe('incomplete');
  });

  it('shares nothing between connections', () => {
    const [heads, one, other] = [new RepeatedHeads(), {}, {}];
    headOf(heads, one, text);
    const repeated = headOf(heads, one, text).head;
    expect(headOf(heads, other, text).head).not.toBeInstanceOf(RepeatedHead);
    expect(headOf(heads, other, text).head).not.toBe(repeated);
  });

  it('keeps nothing of the bytes that it was given', () => {
    const [heads, one] = [new RepeatedHeads(), {}];
    const bytes = Buffer.from(text, 'latin1');
    heads.parse(one, bytes, limits);
    bytes.fill('x');
    expect(headOf(heads, one, text).head).toMatchObject({ target: '/a' });
  });

  it('remembers those connections that sent one of late, and no long head', () => {
    const heads = new RepeatedHeads(2);
    const [quiet, busy] = [{}, {}];
    headOf(heads, quiet, text);
    for (let index = 0; index < 8; index++) {
      headOf(heads, {}, text);
      headOf(heads, busy, text);
    }
    expect(headOf(heads, busy, text).head).toBeInstanceOf(RepeatedHead);
    expect(headOf(heads, quiet, text).head).not.toBeInstanceOf(RepeatedHead);
    const long = text.replace('\r\n\r\n', `\r\nX: ${'y'.repeat(2048)}\r\n\r\n`);
    headOf(heads, busy, long);
    expect(headOf(heads, busy, long).head).not.toBeInstanceOf(RepeatedHead);
  });

  it('knows of a head what was worked out under the same thing, and of nothing else', () => {
    const [heads, one] = [new RepeatedHeads(), {}];
    headOf(heads, one, text);
    const head = headOf(heads, one, text).head as RepeatedHead<object, { readonly known: true }>;
    const [under, later] = [{}, {}];
    head.keep(under, { known: true });
    expect(head.knownUnder(under)).toEqual({ known: true });
    expect(head.knownUnder(later)).toBeUndefined();
  });
});
