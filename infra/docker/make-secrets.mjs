// `node infra/docker/make-secrets.mjs [folder]`: makes the secrets that docker-compose.yml reads, in ./secrets. What is there stays as it is.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? 'secrets';
// The folder is closed to other users; the files are not, for the users of the containers read them through a mount of each.
mkdirSync(folder, { recursive: true, mode: 0o700 });

/** The file's content, made when it is not there. */
function secret(name, make) {
  const path = join(folder, name);
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const content = make();
  writeFileSync(path, `${content}\n`, { mode: 0o444, flag: 'wx' });
  console.log(`made ${path}`);
  return content;
}

const password = () => randomBytes(24).toString('base64url');
secret('master-key', () => randomBytes(32).toString('hex'));
secret('admin-password', password);
secret('grafana-password', password);
const postgres = secret('postgres-password', password);
secret('database-url', () => `postgres://onecli:${postgres}@postgres:5432/onecli`);
const worker = secret('worker-password', password);
secret('worker-database-url', () => `postgres://onecli_worker:${worker}@postgres:5432/onecli`);
const redis = password();
const conf = secret('redis-conf', () =>
  [
    `requirepass ${redis}`,
    'dir /data',
    // A queue must lose nothing that it took, and must refuse rather than forget.
    'appendonly yes',
    'appendfsync everysec',
    'maxmemory 512mb',
    'maxmemory-policy noeviction',
    'save ""',
  ].join('\n'),
);
secret('redis-url', () => `redis://:${/^requirepass (.+)$/m.exec(conf)?.[1]}@redis:6379`);
console.log(`Back up ${join(folder, 'master-key')} apart from the database: without it nothing stored can be read.`);
