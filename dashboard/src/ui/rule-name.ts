/** The policy of a rule's id (`finance/rules/0`), and its number there as a person counts; undefined: of another form. */
export function ruleParts(rule: string): { readonly policy: string; readonly number: number } | undefined {
  const [, policy, index] = /^(.+)\/rules\/(\d+)$/.exec(rule) ?? [];
  return policy === undefined ? undefined : { policy, number: Number(index) + 1 };
}

/** A rule as the policy's form names it: `finance, rule 1`. */
export function ruleName(rule: string): string {
  const parts = ruleParts(rule);
  return parts === undefined ? rule : `${parts.policy}, rule ${parts.number}`;
}
