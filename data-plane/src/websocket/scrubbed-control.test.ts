import type { Finding } from '@onecli/shared/domain/audit-event';
import { SecretValue } from '@onecli/shared/secret-value';
import { describe, expect, it } from 'vitest';
import { AnswerScrub, wantedOf } from '../scrub/answer-scrub.ts';
import { closePayload, opcodes } from './codec/frame.ts';
import { scrubbedControl } from './scrubbed-control.ts';

const secret = 'sk-canary-7Qm2';
const placeholder = 'onecli://prod/a';

function scrubbed(opcode: number, payload: Buffer, mode: 'replace' | 'refuse' = 'replace') {
  const findings: Finding[] = [];
  const wanted = wantedOf([{ value: SecretValue.of(secret), placeholder, scrub: mode }]);
  const scrub = wanted && new AnswerScrub(wanted, findings);
  return { result: scrubbedControl({ kind: 'control', opcode, payload }, scrub), findings };
}

describe('scrubbedControl', () => {
  it.each([opcodes.ping, opcodes.pong])('replaces a secret in a frame of opcode %i', (opcode) => {
    const { result, findings } = scrubbed(opcode, Buffer.from(`<${secret}>`));
    expect(String(result)).toBe(`<${placeholder}>`);
    expect(findings).toEqual([{ kind: 'SECRET_IN_RESPONSE', place: 'message' }]);
  });

  it('replaces a secret in the reason of a Close, whose code stays', () => {
    const { result } = scrubbed(opcodes.close, closePayload(4001, `invalid key ${secret}`));
    expect(result).toEqual(closePayload(4001, `invalid key ${placeholder}`));
  });

  it('gives on as it is what holds none, and a Close without a reason', () => {
    for (const payload of [Buffer.from('a'), closePayload(1000), Buffer.alloc(0)]) {
      expect(scrubbed(opcodes.close, payload).result).toBe(payload);
    }
  });

  it('cuts a reason that grows beyond 125 bytes, and not within a character', () => {
    const { result } = scrubbed(opcodes.close, closePayload(4001, `${secret}${'é'.repeat(54)}`));
    expect(result).toEqual(closePayload(4001, `${placeholder}${'é'.repeat(54)}`));
    const { result: cut } = scrubbed(opcodes.close, closePayload(4001, `x${secret}${'é'.repeat(54)}`));
    expect(cut).toEqual(closePayload(4001, `x${placeholder}${'é'.repeat(53)}`));
  });

  it('is a fault where the binding says that echoes are refused', () => {
    expect(scrubbed(opcodes.ping, Buffer.from(secret), 'refuse').result).toMatchObject({ reason: 'SECRET_ECHOED' });
  });
});
