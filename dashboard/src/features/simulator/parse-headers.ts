interface Header {
  readonly name: string;
  readonly value: string;
}

/** The headers of a text with one in each line, or what is wrong with it. */
export function parseHeaders(text: string): Header[] | string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const headers = lines.map((line) => /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*?)\s*$/.exec(line));
  const bad = headers.indexOf(null);
  if (bad !== -1) return `Headers: line ${bad + 1} is not \`Name: value\`.`;
  return headers.map((match) => ({ name: match?.[1] ?? '', value: match?.[2] ?? '' }));
}
