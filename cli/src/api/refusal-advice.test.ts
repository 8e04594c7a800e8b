import { describe, expect, it } from 'vitest';
import { adviceFor } from './refusal-advice.ts';

describe('adviceFor', () => {
  it('names what is not there, and how to see what is', () => {
    const said = { message: 'There is no secret of that name', hint: 'There is nothing of that name.' };
    expect(adviceFor('NOT_FOUND', '/api/secrets/prod%2Fnope/versions', said)).toEqual({
      message: 'There is no secret "prod/nope"',
      hint: 'those that are there: onecli secret list',
    });
    expect(adviceFor('NOT_FOUND', '/api/nope', said)).toEqual({ message: said.message, hint: undefined });
  });

  it('says nothing of fields to send again, which nobody at a command line sent', () => {
    const said = { message: 'name must be lower case', hint: 'Mend the named field and send it again.' };
    expect(adviceFor('INVALID', '/api/agents', said)).toEqual({ message: said.message, hint: undefined });
    expect(adviceFor('CONFLICT', '/api/apply', said)).toEqual(said);
  });
});
