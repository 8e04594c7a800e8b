/** How every agent token begins, so that one is known wherever it turns up. */
export const agentTokenPrefix = 'oat_';

/** The text with each agent token in it cut to its prefix. An agent may write its token anywhere; the trail must not hold it. */
export function withoutAgentTokens(text: string): string {
  return text.includes(agentTokenPrefix) ? text.replace(/oat_[A-Za-z0-9_-]+/g, agentTokenPrefix) : text;
}
