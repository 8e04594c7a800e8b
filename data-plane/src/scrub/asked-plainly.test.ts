import { describe, expect, it } from 'vitest';
import type { Header } from '../wire/head.ts';
import { askedPlainly } from './asked-plainly.ts';

const field = (rawName: string, value: string): Header => ({ name: rawName.toLowerCase(), rawName, value });
const plainly = field('Accept-Encoding', 'identity');

describe('askedPlainly', () => {
  it('asks for no compression where nothing was asked for', () => {
    expect(askedPlainly([field('Host', 'a')])).toEqual([field('Host', 'a'), plainly]);
  });

  it('replaces every wish for compression or for a part, and keeps the rest in order', () => {
    const asked = ['Accept-Encoding', 'accept-encoding', 'Range', 'If-Range', 'grpc-accept-encoding'];
    const headers = [field('A', '1'), ...asked.map((name) => field(name, 'x')), field('Accept', '*/*')];
    expect(askedPlainly(headers)).toEqual([field('A', '1'), field('Accept', '*/*'), plainly]);
  });
});
