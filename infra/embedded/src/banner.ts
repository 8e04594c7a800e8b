/** What a person reads once everything serves. `password` is given on a first start only, and is never shown again. */
export function describeStart(facts: {
  proxyUrl: string;
  apiUrl: string;
  adminUser: string;
  password: string | undefined;
}): string {
  const login =
    facts.password === undefined
      ? []
      : ['', `  Login   ${facts.adminUser} / ${facts.password}   (shown only this once)`];
  return [
    '',
    'OneCLI is ready.',
    `  Proxy   ${facts.proxyUrl}   for agents`,
    `  API     ${facts.apiUrl}   for admins`,
    `  CA      ${facts.apiUrl}/ca.pem   for clients outside of \`onecli run\``,
    ...login,
    '',
    'Next:',
    '  npx onecli secret put prod/openai --host api.openai.com',
    '  npx onecli agent create my-agent',
    '  npx onecli policy allow my-agent api.openai.com --secrets prod/openai',
    '  npx onecli run --agent my-agent -- <command>',
    '',
  ].join('\n');
}
