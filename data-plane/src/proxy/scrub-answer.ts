import type { Finding } from '@onecli/shared/domain/audit-event';
import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { SecretOpener } from '../credentials/open-secret.ts';
import { AnswerScrub, type WantedSecrets, wantedOf } from '../scrub/answer-scrub.ts';

/** What is to be looked for in the answer to a request that these secrets leave with; undefined when nothing is. */
export function wantedSecrets(opener: SecretOpener, used: readonly UsedSecret[]): WantedSecrets | undefined {
  if (used.length === 0) return undefined;
  return wantedOf(
    used.map(({ secret, version, placeholder }) => ({
      value: opener.open(secret, version),
      placeholder,
      scrub: secret.binding.scrub ?? 'replace',
    })),
  );
}

/** Takes that out of an answer. What is found is added to `findings`. */
export function answerScrub(
  opener: SecretOpener,
  used: readonly UsedSecret[],
  findings: Finding[],
): AnswerScrub | undefined {
  const wanted = wantedSecrets(opener, used);
  return wanted && new AnswerScrub(wanted, findings);
}
