import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:net';
import { descendantsOf } from '../support/process-facts.ts';
import type { TestAuthority, TestLeaf } from '../support/test-authority.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startOwned } from './owned-processes.ts';
import { benchCases, benchHost, secretValue } from './workload.ts';

/** A running nginx: the port, and the process that does the work. */
export interface RunningNginx {
  port: number;
  workerPid: number;
}

/** Starts nginx as the TLS upstream that serves the cases' bodies, and refuses any request without the real key. */
export function startUpstreamNginx(folder: string, port: number, authority: TestAuthority): Promise<RunningNginx> {
  const files = join(folder, 'files');
  mkdirSync(join(files, 'v1'), { recursive: true });
  for (const { path, bodyBytes } of benchCases) writeFileSync(join(files, path), Buffer.alloc(bodyBytes, 'x'));
  const server = `
    ${tlsServer(port, authority.issue([benchHost]))}
    root ${files};
    default_type application/json;
    if ($http_authorization != "Bearer ${secretValue}") { return 401; }`;
  return startNginx(folder, 'upstream', server, '', port);
}

/** Starts nginx as a TLS reverse proxy in front of the upstream: the same job, in C, with the key put in by the configuration. */
export function startReverseProxyNginx(
  folder: string,
  port: number,
  upstreamPort: number,
  authority: TestAuthority,
): Promise<RunningNginx> {
  const pool = `upstream origin { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 1000000000; }`;
  const server = `
    ${tlsServer(port, authority.issue([benchHost]))}
    location / {
      proxy_pass https://origin;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer ${secretValue}";
      proxy_max_temp_file_size 0;
      proxy_ssl_protocols TLSv1.3;
      proxy_ssl_server_name on;
      proxy_ssl_name ${benchHost};
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate ${authority.caFile};
    }`;
  return startNginx(folder, 'reverse-proxy', server, pool, port);
}

function tlsServer(port: number, leaf: TestLeaf): string {
  return `listen 127.0.0.1:${port} ssl backlog=4096;
    server_name ${benchHost};
    ssl_certificate ${leaf.certFile};
    ssl_certificate_key ${leaf.keyFile};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;`;
}

async function startNginx(
  folder: string,
  name: string,
  server: string,
  pool: string,
  port: number,
): Promise<RunningNginx> {
  const home = join(folder, name);
  for (const kind of ['', 'body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'])
    mkdirSync(join(home, kind), { recursive: true });
  const asUser = process.getuid?.() === 0 ? 'user root;' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(home, kind.replace('client_', ''))};`)
    .join(' ');
  writeFileSync(
    join(home, 'nginx.conf'),
    `${asUser} worker_processes 1; daemon off; pid ${home}/nginx.pid; error_log ${home}/error.log;
     events { worker_connections 4096; }
     http { access_log off; sendfile on; tcp_nodelay on; keepalive_timeout 300s; keepalive_requests 1000000000;
       ${temporary} ${pool} server { ${server} } }\n`,
  );
  const child = startOwned('nginx', ['-c', join(home, 'nginx.conf'), '-e', join(home, 'error.log')]);
  await waitUntil(`nginx (${name}) listens`, () => canConnect(port), 10_000);
  const workerPid = await waitUntil('nginx has a worker', () => descendantsOf(child.pid ?? 0)[0]?.pid);
  return { port, workerPid };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
