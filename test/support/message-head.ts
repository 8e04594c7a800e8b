/** Splits the latin1 text of a message head into its first line and its fields, without judging them. */
export function splitHead(head: string): { startLine: string; headers: [string, string][] } {
  const [startLine = '', ...lines] = head.replace(/(\r\n)+$/, '').split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { startLine, headers };
}
