import { describe, expect, it } from 'vitest';
import { withoutAgentTokens } from './agent-token.ts';

describe('withoutAgentTokens', () => {
  it('cuts every token, wherever it stands', () => {
    expect(withoutAgentTokens('/to/me:oat_aB-_9@h/to/oat_x@h/oat_')).toBe('/to/me:oat_@h/to/oat_@h/oat_');
  });

  it('leaves everything else as it is', () => {
    expect(withoutAgentTokens('/v1/float/oat-x/bob@example.com')).toBe('/v1/float/oat-x/bob@example.com');
  });
});
