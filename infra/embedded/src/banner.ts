/** What a person reads once everything serves. */
export function describeStart(facts: { proxyUrl: string; apiUrl: string }): string {
  return [
    '',
    'OneCLI is ready.',
    `  Proxy       ${facts.proxyUrl}   for agents`,
    `  Dashboard   ${facts.apiUrl}   for admins; the API is there too`,
    `  CA          ${facts.apiUrl}/ca.pem   for clients outside of \`onecli run\``,
    '',
    'Next, in the dashboard or here:',
    '  npx onecli secret put prod/openai --host api.openai.com',
    '  npx onecli agent create my-agent',
    '  npx onecli policy allow my-agent api.openai.com --paths "/v1/**" --secrets prod/openai',
    '  npx onecli run --agent my-agent -- <command>',
    '',
  ].join('\n');
}
