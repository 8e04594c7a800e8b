import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorCodes, errorPage } from './error-page.ts';

const documentFile = fileURLToPath(new URL('../../docs/errors.md', import.meta.url));

const preface = `# Errors

Every answer that OneCLI itself makes to an agent has a status, the header \`x-onecli-error: CODE\` and a JSON body:

\`\`\`json
{"error":{"code":"POLICY_DENIED","message":"…","hint":"…","docs":"http://onecli.internal/errors/POLICY_DENIED","requestId":"…"}}
\`\`\`

\`message\` says what happened, \`hint\` what to do about it, \`docs\` is the page below, which an agent gets through the proxy (and anybody
at \`/errors/CODE\` on the proxy port). \`x-should-retry: true\` or \`false\` says whether the same request may succeed later; the SDKs of
OpenAI and Anthropic go by it. \`requestId\` finds the request in the audit trail. An answer without \`x-onecli-error\` is the
upstream's own.

This page is made from the table in \`shared/src/fault.ts\`: \`npx vitest run --config test/vitest.config.ts --project unit error-page -u\`.
`;

describe('errorPage', () => {
  it('is what docs/errors.md shows, for every code there is', async () => {
    const pages = errorCodes.map((code) => errorPage(code));
    await expect([preface, ...pages].join('\n')).toMatchFileSnapshot(documentFile);
  });

  it('says nothing of what is no code', () => {
    for (const text of ['', 'policy_denied', 'toString', '__proto__', 'POLICY_DENIED/'])
      expect(errorPage(text)).toBeUndefined();
  });
});
