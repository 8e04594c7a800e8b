import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { auditEvent } from '../../ports/audit-queue.contract.ts';
import { openBatch, packBatch, sealBatch } from './audit-batch.ts';

const key = randomBytes(32);
const varied = [
  auditEvent('a'),
  { ...auditEvent('b'), agentId: '0d6e0b9a-7b3a-4a4e-9d2f-1f7b8f4f3a11', agent: undefined, rule: undefined },
  { ...auditEvent('c'), secrets: [], findings: [], path: '/"\\\u{1f511}\0' },
  { ...auditEvent('d'), secrets: ['prod/openai@1', 'prod/stripe@2'], status: 0, timeMs: 5 },
];

describe('openBatch', () => {
  it.each([
    ['none', []],
    ['one', [auditEvent('a')]],
    ['many alike', [auditEvent('a'), auditEvent('b'), auditEvent('c')]],
    ['many that differ in everything', varied],
  ])('gives back what was sealed: %s', (_name, events) => {
    expect(openBatch(key, sealBatch(key, packBatch(events)))).toEqual(events);
  });

  it('refuses what another key sealed, and what was altered', () => {
    const { sealed } = sealBatch(key, packBatch(varied));
    const altered = Buffer.from(sealed, 'base64');
    altered[20] = (altered[20] ?? 0) ^ 1;
    expect(() => openBatch(randomBytes(32), { sealed })).toThrow('Cannot open');
    expect(() => openBatch(key, { sealed: altered.toString('base64') })).toThrow('Cannot open');
  });
});

describe('sealBatch', () => {
  it('makes a thousand requests of one agent a tenth of their JSON', () => {
    const events = Array.from({ length: 1000 }, (_, index) => auditEvent(`worker-1-boot-${index.toString(36)}`));
    expect(sealBatch(key, packBatch(events)).sealed.length).toBeLessThan(JSON.stringify(events).length / 10);
  });
});
