import type { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { Fault } from '@onecli/shared/fault';

const minLength = 12;
const maxLength = 1024;
/** Of 0 to 4; 3 is safely unguessable offline against a slow hash. */
const minScore = 3;
/** The estimate takes longer than linear time; what follows adds strength and is not looked at. */
const maxEstimated = 128;

let estimator: Promise<ZxcvbnFactory> | undefined;

/**
 * Lets a new password of a user pass or tells what is wrong with it.
 * @throws Fault INVALID, field `password`; never with the password
 */
export async function requireGoodPassword(password: string, user: string): Promise<void> {
  const problem = await problemOf(password, user);
  if (problem !== undefined) throw new Fault('INVALID', `password ${problem}`, { field: 'password' });
}

/**
 * What is wrong with a password, without it; undefined: nothing (NIST SP 800-63B, section 3.1.1.2: length, and a list of common and
 * expected ones; no rule of composition). `user` is the name of its user, which it must not be made of.
 */
export async function problemOf(password: string, user: string): Promise<string | undefined> {
  if (Array.from(password).length < minLength) return `must have at least ${minLength} characters`;
  if (password.length > maxLength) return `must have at most ${maxLength} characters`;
  if (/[\0\p{Surrogate}]/u.test(password)) return 'must be well-formed text without a NUL character';
  estimator ??= openEstimator();
  const { score } = (await estimator).check(password.slice(0, maxEstimated), [user, 'onecli']);
  return score < minScore ? 'is too easy to guess: it is common, or made of a name, a date or a pattern' : undefined;
}

/** The word lists are large: they are read when a first password is set. */
async function openEstimator(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory: Factory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  return new Factory({ dictionary, graphs: adjacencyGraphs });
}
