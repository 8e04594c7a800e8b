import { spawn } from 'node:child_process';
import { env } from 'node:process';
import type { RecordedRequest, UpstreamHandler } from './upstream-connection.ts';

/** Serves the bare repositories below `root` by `git http-backend` (CGI), for one user and password by Basic authentication. */
export function answerAsGit(root: string, user: string, password: string): UpstreamHandler {
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return async (request, reply) => {
    if (/100-continue/i.test(request.header('expect') ?? '')) await reply.raw('HTTP/1.1 100 Continue\r\n\r\n');
    const body = await request.body();
    if (request.header('authorization') !== wanted) {
      return reply.send(401, { 'www-authenticate': 'Basic realm="git"' }, 'sign in');
    }
    const output = await runBackend(root, user, request, body);
    const end = output.indexOf('\r\n\r\n');
    const headers = Object.fromEntries(
      output
        .subarray(0, end)
        .toString('latin1')
        .split('\r\n')
        .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const { Status: status = '200', ...others } = headers;
    await reply.chunked(
      Number.parseInt(status, 10),
      others,
      [output.subarray(end + 4)].filter((part) => part.length > 0),
    );
  };
}

function runBackend(root: string, user: string, request: RecordedRequest, body: Buffer): Promise<Buffer> {
  const url = new URL(request.target, 'https://git.example');
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.header('content-type') ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.header('content-encoding') ?? '',
      GIT_PROTOCOL: request.header('git-protocol') ?? '',
      REMOTE_USER: user,
      REMOTE_ADDR: '127.0.0.1',
    },
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(body);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(Buffer.concat(chunks)));
  });
}
