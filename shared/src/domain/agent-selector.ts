/** Which agents a policy is for: one by name, those whose names fit a glob, or all that carry each of these labels. */
export type AgentSelector =
  | { readonly kind: 'name'; readonly name: string }
  /** `*` stands for any characters, also none: `ci-*`. */
  | { readonly kind: 'glob'; readonly glob: string }
  | { readonly kind: 'labels'; readonly labels: Readonly<Record<string, string>> };

/** The selector that a name or a glob stands for as it is written: with a star it is a glob. */
export function selectorOf(text: string): AgentSelector {
  return text.includes('*') ? { kind: 'glob', glob: text } : { kind: 'name', name: text };
}

/** True when the selector picks the agent. A selector without labels picks nobody. */
export function selectorPicks(
  selector: AgentSelector,
  agent: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  switch (selector.kind) {
    case 'name':
      return selector.name === agent.name;
    case 'glob':
      return globCovers(selector.glob, agent.name);
    case 'labels': {
      const wanted = Object.entries(selector.labels);
      return wanted.length > 0 && wanted.every(([key, value]) => agent.labels[key] === value);
    }
  }
}

/** Each piece between stars at its first place: no going back, so that no glob is slow. */
function globCovers(glob: string, name: string): boolean {
  const [head = '', ...pieces] = glob.split('*');
  const tail = pieces.pop();
  if (tail === undefined) return name === glob;
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
  const end = name.length - tail.length;
  let at = head.length;
  for (const piece of pieces) {
    const found = name.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
