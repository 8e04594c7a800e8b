import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Request, type Response, Router } from 'express';
import { type PageFile, type PageFiles, readPageFiles } from './page-files.ts';

const builtDashboard = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url));
const yearSeconds = 31_536_000;

/** What is no page, whatever a browser asks for there. */
const reserved: ReadonlySet<string> = new Set([
  'api',
  'assets',
  'backup',
  'ca.pem',
  'graphql',
  'health',
  'livez',
  'metrics',
  'readyz',
]);

/** What the page is told: nothing that a caller without a login may not know. */
export interface PageFacts {
  /** The address of the proxy, as the supervisor knows it. */
  readonly proxyUrl: string | undefined;
}

/** The dashboard, if it was built: its files, and the page for each path in it. */
export async function dashboardRoutes(facts: PageFacts, folder = builtDashboard): Promise<Router | undefined> {
  const built = await readPageFiles(folder);
  return built === undefined ? undefined : routesOf(built, facts);
}

function routesOf({ page, files }: PageFiles, { proxyUrl }: PageFacts): Router {
  const router = Router();
  router.use((request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next();
    const file = files.get(request.path);
    if (file !== undefined) return sendFile(request, response, file);
    if (!isPage(request)) return next();
    const nonce = randomBytes(18).toString('base64url');
    response.set({
      'Content-Security-Policy': policyOf(nonce),
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
      'Content-Type': 'text/html; charset=utf-8',
      Vary: 'Accept',
    });
    response.send(page.replace('%ONECLI_NONCE%', nonce).replace('%ONECLI_PROXY%', () => escapeHtml(proxyUrl ?? '')));
  });
  return router;
}

/**
 * Nothing is loaded but from here, no script but the built files, and no style but those and the elements that Mantine makes with
 * this answer's nonce. Styles of single elements are set by script as properties, which no policy counts as inline. The nonce is
 * good for one answer, so that the page is in no cache (`no-store`, as everything here but the files).
 */
function policyOf(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Whether a browser goes there. Programs that ask for what is not there get the API's answer. */
function isPage(request: Request): boolean {
  const first = request.path.split('/', 2)[1]?.toLowerCase() ?? '';
  if (reserved.has(first)) return false;
  return request.path === '/' || (request.headers.accept ?? '').includes('text/html');
}

function sendFile(request: Request, response: Response, file: PageFile): void {
  response.set({
    'Content-Type': file.type,
    'Cache-Control': file.isImmutable ? `public, max-age=${yearSeconds}, immutable` : 'public, max-age=3600',
    Vary: 'Accept-Encoding',
  });
  const accepted = request.acceptsEncodings();
  const encoding = [...file.encoded.keys()].find((one) => accepted.includes(one));
  const content = (encoding === undefined ? undefined : file.encoded.get(encoding)) ?? file.content;
  if (encoding !== undefined) response.set('Content-Encoding', encoding);
  response.send(content);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
