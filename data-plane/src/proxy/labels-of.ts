import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';

/** `prod/openai@1` of each version, once. */
export function labelsOf(used: readonly UsedSecret[]): readonly string[] {
  const labels: string[] = [];
  for (const { secret, version } of used) {
    const label = `${secret.name}@${version.version}`;
    if (!labels.includes(label)) labels.push(label);
  }
  return labels;
}
