import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { SecretValue } from './secret-value.ts';

const CANARY = 'sk-canary-7f3a';
const secret = SecretValue.of(CANARY);

function printedByConsole(print: (console: Console) => void): string {
  let printed = '';
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      printed += chunk.toString();
      done();
    },
  });
  print(new Console({ stdout, stderr: stdout }));
  return printed.trim();
}

describe('SecretValue', () => {
  const printers: [string, () => string, string][] = [
    ['toString()', () => secret.toString(), '[secret]'],
    ['toLocaleString()', () => secret.toLocaleString(), '[secret]'],
    ['String()', () => String(secret), '[secret]'],
    ['a template literal', () => `${secret}`, '[secret]'],
    ['concatenation', () => secret + '', '[secret]'],
    ['join', () => [secret, secret].join(), '[secret],[secret]'],
    ['toJSON()', () => secret.toJSON(), '[secret]'],
    ['JSON.stringify', () => JSON.stringify({ value: secret }), '{"value":"[secret]"}'],
    ['util.inspect', () => inspect(secret), '[secret]'],
    ['util.inspect of an owner', () => inspect({ value: [secret] }), '{ value: [ [secret] ] }'],
    ['util.inspect with hidden fields', () => inspect(secret, { showHidden: true, depth: 9 }), '[secret]'],
    [
      'util.inspect without custom inspection',
      () => inspect(secret, { customInspect: false }),
      'SecretValue [secret] {}',
    ],
    ['util.format %s', () => format('%s', secret), '[secret]'],
    ['util.format %o', () => format('%o', secret), '[secret]'],
    ['util.format %O', () => format('%O', secret), '[secret]'],
    ['util.format %j', () => format('%j', secret), '"[secret]"'],
    ['util.format %d', () => format('%d', secret), 'NaN'],
    ['console.log', () => printedByConsole((c) => c.log(secret)), '[secret]'],
    ['console.error', () => printedByConsole((c) => c.error('key', secret)), 'key [secret]'],
    ['console.dir', () => printedByConsole((c) => c.dir(secret)), 'SecretValue [secret] {}'],
    ['an error message', () => new Error(`bad ${secret}`).message, 'bad [secret]'],
    ['Object.prototype.toString', () => Object.prototype.toString.call(secret), '[object secret]'],
    ['encodeURIComponent', () => encodeURIComponent(String(secret)), '%5Bsecret%5D'],
    ['URLSearchParams', () => new URLSearchParams({ k: String(secret) }).toString(), 'k=%5Bsecret%5D'],
  ];

  it.each(printers)('does not print by %s', (_name, print, expected) => {
    expect(print()).toBe(expected);
  });

  it('has nothing to enumerate, spread or reflect on', () => {
    expect(Object.keys(secret)).toEqual([]);
    expect(Reflect.ownKeys(secret)).toEqual([]);
    expect(JSON.stringify(Object.assign({}, secret))).toBe('{}');
    expect(JSON.stringify(Object.entries(secret))).toBe('[]');
  });

  it('is not carried by a structured clone', () => {
    const clone: unknown = structuredClone(secret);
    expect(clone).not.toBeInstanceOf(SecretValue);
    expect(Reflect.ownKeys(clone as object)).toEqual([]);
  });

  it('is not carried by postMessage', () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage({ secret });
    const received = receiveMessageOnPort(port2) as { message: { secret: object } };
    port1.close();
    expect(Reflect.ownKeys(received.message.secret)).toEqual([]);
  });

  it("does not lie in Buffer's shared pool, whose slab a clone of any small buffer carries along", () => {
    const before = Buffer.from('neighbour');
    const canary = ['pool', 'canary', '91c2'].join('-');
    const held = SecretValue.of(canary);
    const after = Buffer.from('neighbour');
    for (const neighbour of [before, after]) expect(Buffer.from(neighbour.buffer).includes(canary)).toBe(false);
    expect(held.bytes()).toBe(canary.length);
  });

  it('reveals the text it was made of, from text and from bytes', () => {
    expect(secret.reveal()).toBe(CANARY);
    expect(SecretValue.of(Buffer.from('clé-🔑')).reveal()).toBe('clé-🔑');
    expect(SecretValue.of('').reveal()).toBe('');
  });

  it('keeps its own copy of the bytes', () => {
    const bytes = Buffer.from(CANARY);
    const held = SecretValue.of(bytes);
    bytes.fill(0);
    expect(held.reveal()).toBe(CANARY);
  });

  it('counts bytes, not characters', () => {
    expect(SecretValue.of('é').bytes()).toBe(2);
  });

  it('is equal to another of the same text and to nothing else', () => {
    expect(secret.equals(SecretValue.of(CANARY))).toBe(true);
    expect(secret.equals(SecretValue.of('sk-canary-7f3b'))).toBe(false);
    expect(secret.equals(SecretValue.of('sk-canary'))).toBe(false);
  });

  it.each([
    ['a lone surrogate', '\ud800'],
    ['bytes that are not UTF-8', Buffer.of(0xc3, 0x28)],
  ])('refuses %s, which it could not give back unchanged', (_name, value) => {
    expect(() => SecretValue.of(value)).toThrow(TypeError);
  });
});
