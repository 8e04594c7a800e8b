import type { Finding } from '@onecli/shared/domain/audit-event';
import type { UsedSecret } from '../credentials/grant-placeholders.ts';
import type { SecretOpener } from '../credentials/open-secret.ts';
import { AnswerScrub } from '../scrub/answer-scrub.ts';

/**
 * What is to be taken out of the answer to a request that these secrets leave with; undefined when nothing is. What is
 * found is added to `findings`.
 */
export function answerScrub(
  opener: SecretOpener,
  used: readonly UsedSecret[],
  findings: Finding[],
): AnswerScrub | undefined {
  if (used.length === 0) return undefined;
  const secrets = used.map(({ secret, version, placeholder }) => ({
    value: opener.open(secret, version),
    placeholder,
    scrub: secret.binding.scrub ?? 'replace',
  }));
  return AnswerScrub.of(secrets, findings);
}
