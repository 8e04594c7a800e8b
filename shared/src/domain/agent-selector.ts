/** Which agents a policy is for: one by name, or all that carry each of these labels. */
export type AgentSelector =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'labels'; readonly labels: Readonly<Record<string, string>> };

/** True when the selector picks the agent. A selector without labels picks nobody. */
export function selectorPicks(
  selector: AgentSelector,
  agent: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  if (selector.kind === 'name') return selector.name === agent.name;
  const wanted = Object.entries(selector.labels);
  return wanted.length > 0 && wanted.every(([key, value]) => agent.labels[key] === value);
}
