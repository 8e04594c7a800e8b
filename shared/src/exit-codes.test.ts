import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { exitCodes } from './exit-codes.ts';

const readRepository = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('exit codes', () => {
  it('have one meaning each', () => {
    const codes = Object.values(exitCodes);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it.each(['onecli-control-plane.service', 'onecli-worker@.service'])(
    'that no restart changes are those of %s',
    (unit) => {
      expect(readRepository(`infra/systemd/${unit}`)).toContain(
        `\nRestartPreventExitStatus=${exitCodes.wrong} ${exitCodes.taken}\n`,
      );
    },
  );
});
