import { describe, expect, it } from 'vitest';
import { requireGoodPassword } from './password-rule.ts';

describe('requireGoodPassword', () => {
  it.each([
    'correct horse battery',
    'Zq7-wombat-Ofen-31',
    'пароль из пяти длинных слов',
    'x'.repeat(5) + crypto.randomUUID(),
  ])('takes %j', async (password) => {
    await expect(requireGoodPassword(password, 'alice')).resolves.toBeUndefined();
  });

  it.each([
    ['short', 'at least 12'],
    ['password1234', 'too easy'],
    ['Password123!', 'too easy'],
    ['qwertyuiop12', 'too easy'],
    ['aaaaaaaaaaaaaaaa', 'too easy'],
    ['alice-margrethe', 'too easy'],
    ['123456789012', 'too easy'],
    ['a'.repeat(1025), 'at most 1024'],
    [`Zq7-wombat-Ofen-31\0`, 'NUL'],
  ])('refuses %j and does not repeat it', async (password, reason) => {
    const refused = requireGoodPassword(password, 'alice-margrethe');
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID',
      field: 'password',
      message: expect.stringContaining(reason),
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(password) });
  });
});
