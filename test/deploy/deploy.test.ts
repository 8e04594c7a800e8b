import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { repositoryRoot } from '../support/start-onecli.ts';
import { canRun, read, run } from './repository.ts';

describe('the images', () => {
  const text = read('infra/docker/Dockerfile');

  it('have a Dockerfile that its linter has nothing against', () => {
    expect(validate(text).map(({ range, message }) => `line ${range.start.line + 1}: ${message}`)).toEqual([]);
  });

  it('run as nobody, tell of their health, and copy what is there', () => {
    for (const target of ['data-plane', 'control-plane']) {
      const stage = new RegExp(`^FROM \\S+ AS ${target}\\n((?:(?!FROM ).*\\n)*)`, 'm').exec(text)?.[1] ?? '';
      expect(stage).toMatch(/^USER 10001:10001$/m);
      expect(stage).toMatch(/^HEALTHCHECK /m);
      expect(stage).toMatch(/^STOPSIGNAL SIGTERM$/m);
    }
    // Of what the build is given, .dockerignore keeps all away but what it names.
    const given = [...read('.dockerignore').matchAll(/^!(\S+)$/gm)].map(([, path = '']) => path);
    const sources = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, list = '']) => list.split(' '));
    expect(sources).toContain('infra/tools/bundle.mjs');
    for (const source of sources) {
      expect(existsSync(join(repositoryRoot, source)), source).toBe(true);
      expect(
        given.some((path) => source === path || source.startsWith(`${path}/`)),
        source,
      ).toBe(true);
    }
  });
});

describe('what starts a process', () => {
  it('has it run as in production, and no file of ours says otherwise', () => {
    const stages = read('infra/docker/Dockerfile').split(/^FROM /m);
    for (const name of ['data-plane', 'control-plane'])
      expect(stages.find((stage) => stage.split('\n')[0]?.endsWith(` AS ${name}`))).toMatch(
        /^ENV NODE_ENV=production /m,
      );
    for (const unit of readdirSync(join(repositoryRoot, 'infra/systemd')).filter((name) => name.endsWith('.service')))
      expect(read(`infra/systemd/${unit}`), unit).toMatch(/^Environment=NODE_ENV=production\b/m);
    expect(read('infra/tools/run-process.mjs')).toContain("process.env.NODE_ENV ??= 'production'");
    const others = ['docker-compose.yml', ...yamlBelow('infra/helm'), ...yamlBelow('infra/sidecar')];
    expect(others.length).toBeGreaterThan(5);
    for (const name of others) expect(read(name), name).not.toContain('NODE_ENV');
  });
});

/** Paths of YAML files, from the repository's root. */
function yamlBelow(folder: string): string[] {
  return readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => join(folder, name));
}

describe('figures', () => {
  const sources = ['control-plane/src', 'data-plane/src']
    .flatMap((folder) =>
      readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((name) => name.endsWith('.ts'))
    .map(read)
    .join('\n');
  const known = new Set([...sources.matchAll(/'(onecli_[a-z_0-9]+)'/g)].map(([, name]) => name ?? ''));
  const used = (text: string) =>
    [...text.matchAll(/\bonecli_[a-z_0-9]+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ''));

  it.each(['infra/prometheus/alerts.yml', 'infra/grafana/dashboards/onecli.json'])(
    '%s asks for metrics that exist',
    (file) => {
      const names = used(read(file));
      expect(names.length).toBeGreaterThan(5);
      expect(names.filter((name) => !known.has(name))).toEqual([]);
    },
  );

  it('have alerts with all that who is woken needs', () => {
    const { groups } = parse(read('infra/prometheus/alerts.yml')) as {
      groups: { rules: { alert: string; expr: string; labels: object; annotations: object }[] }[];
    };
    for (const rule of groups.flatMap(({ rules }) => rules)) {
      expect(rule).toMatchObject({
        alert: expect.stringMatching(/^OneCli[A-Z]/) as string,
        expr: expect.any(String) as string,
      });
      expect(Object.keys(rule.annotations)).toEqual(['summary', 'action']);
      expect(Object.keys(rule.labels)).toEqual(['severity']);
    }
    expect(() => parse(read('infra/prometheus/prometheus.yml')) as unknown).not.toThrow();
  });

  it('have a dashboard whose panels do not lie over one another', () => {
    const { panels } = JSON.parse(read('infra/grafana/dashboards/onecli.json')) as {
      panels: { gridPos: { x: number; y: number } }[];
    };
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x},${y}`)).size).toBe(panels.length);
  });
});

describe.skipIf(!canRun('systemd-analyze'))('the systemd units', () => {
  const units = readdirSync(join(repositoryRoot, 'infra/systemd')).filter((name) => name.endsWith('.service'));

  it.each(units)('%s is understood, and confined', (unit) => {
    const file = `infra/systemd/${unit}`;
    const verified = run('systemd-analyze', ['verify', '--man=no', file]);
    // That there is no Node at /usr/bin on the machine of a test is not the unit's fault.
    expect(verified.stderr.split('\n').filter((line) => line !== '' && !line.includes('is not executable'))).toEqual(
      [],
    );
    const { stdout } = run('systemd-analyze', ['security', '--offline=true', file]);
    expect(Number(/exposure level for \S+: ([0-9.]+)/.exec(stdout)?.[1])).toBeLessThan(2);
  });
});

describe('the examples for Kubernetes', () => {
  it('have a sidecar that is confined', () => {
    const pod = parse(read('infra/sidecar/pod.yaml')) as {
      spec: { initContainers: { securityContext: object; restartPolicy: string }[] };
    };
    expect(pod.spec.initContainers[0]).toMatchObject({
      restartPolicy: 'Always',
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      },
    });
  });

  it('have a chart whose templates name only values that there are', () => {
    const values = parse(read('infra/helm/onecli/values.yaml')) as Record<string, unknown>;
    const has = (name: string): boolean =>
      name.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], values) !==
      undefined;
    const folder = join(repositoryRoot, 'infra/helm/onecli/templates');
    for (const file of readdirSync(folder)) {
      const text = readFileSync(join(folder, file), 'utf8');
      const alias = /\{\{-? \$v := \.Values\.(\w+)/.exec(text)?.[1] ?? '';
      const named = [
        ...[...text.matchAll(/\.Values\.([A-Za-z.]+)/g)].map(([, name]) => name ?? ''),
        ...[...text.matchAll(/\$v\.([A-Za-z.]+)/g)].map(([, name]) => `${alias}.${name}`),
      ];
      expect(
        named.filter((name) => !has(name)),
        file,
      ).toEqual([]);
      expect((text.match(/\{\{/g) ?? []).length, file).toBe((text.match(/\}\}/g) ?? []).length);
    }
  });
});

describe('what the chart opens', () => {
  const template = (name: string) => read(`infra/helm/onecli/templates/${name}`);

  it('opens public addresses of both families, but for those that are private', () => {
    const blocks = [
      ...template('network-policy.yaml').matchAll(/cidr: (0\.0\.0\.0\/0|"::\/0"), except: \[(.+)\] \}\n/g),
    ];
    expect(blocks.map(([, cidr]) => cidr)).toEqual(['0.0.0.0/0', '"::/0"', '0.0.0.0/0', '"::/0"']);
    for (const [, , except] of blocks.slice(2)) expect(blocks.slice(0, 2).map((block) => block[2])).toContain(except);
  });

  it('opens private ranges to workers and to control planes alike', () => {
    expect(template('network-policy.yaml').match(/with \.Values\.dataPlane\.allowRanges/g)).toHaveLength(2);
    for (const plane of ['data-plane', 'control-plane'])
      expect(template(`${plane}.yaml`)).toMatch(/name: ONECLI_ALLOW_RANGES, value: \{\{ join "," \S+\.allowRanges/);
  });
});

describe.skipIf(!canRun('helm'))('the chart, by helm', () => {
  const chart = 'infra/helm/onecli';
  // A helm that was built by hand takes an old one for granted.
  const kubernetes = ['--kube-version', '1.33.0'];
  interface Manifest {
    kind: string;
    metadata: { name: string };
    spec: {
      template?: {
        spec: {
          terminationGracePeriodSeconds: number;
          securityContext: object;
          containers: { securityContext: object }[];
        };
      };
    };
  }
  const render = (...flags: string[]): Manifest[] => {
    const { stdout, stderr, status } = run('helm', ['template', 'test', chart, ...kubernetes, ...flags]);
    expect(`${status} ${stderr}`).toBe('0 ');
    return parseAllDocuments(stdout)
      .map((document) => document.toJS() as Manifest)
      .filter(Boolean);
  };

  it('has nothing to be warned of', () => {
    expect(run('helm', ['lint', '--strict', chart]).stdout).toContain('0 chart(s) failed');
  });

  it('confines every container, and gives workers the time to drain', () => {
    const manifests = render('--set', 'serviceMonitor.enabled=true');
    expect(new Set(manifests.map(({ kind }) => kind))).toEqual(
      new Set([
        'NetworkPolicy',
        'PodDisruptionBudget',
        'ServiceAccount',
        'Service',
        'Deployment',
        'StatefulSet',
        'HorizontalPodAutoscaler',
        'Job',
        'ServiceMonitor',
      ]),
    );
    for (const { spec } of manifests) {
      if (spec?.template === undefined) continue;
      expect(spec.template.spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const { securityContext } of spec.template.spec.containers)
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
    }
    const worker = manifests.find(
      ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'test-data-plane',
    );
    expect(worker?.spec.template?.spec.terminationGracePeriodSeconds).toBe(67);
  });

  it.each([
    ['StatefulSet', true],
    ['Deployment', false],
  ] as const)('keeps the audit spool of workers in a %s (claim: %s)', (kind, claim) => {
    const manifests = render('--set', `dataPlane.state.claim=${claim}`);
    const named = manifests.filter(({ metadata }) => metadata.name === 'test-data-plane');
    const worker = named.find((one) => one.kind === kind);
    const text = JSON.stringify(worker);
    expect(named.map((one) => one.kind).toSorted()).toEqual(
      [kind, 'HorizontalPodAutoscaler', 'NetworkPolicy', 'PodDisruptionBudget'].toSorted(),
    );
    expect(text).toContain('{"name":"state","mountPath":"/var/lib/onecli"}');
    expect(text.includes('"volumeClaimTemplates":[{"metadata":{"name":"state"}')).toBe(claim);
    expect(text.includes('"emptyDir":{"sizeLimit":"4Gi"}')).toBe(!claim);
    expect(text.includes('"whenScaled":"Retain"')).toBe(claim);
    expect(text).toContain('"preStop"');
    expect(worker?.spec.template?.spec.terminationGracePeriodSeconds).toBe(67);
    const scaler = named.find((one) => one.kind === 'HorizontalPodAutoscaler');
    expect(scaler?.spec).toMatchObject({ scaleTargetRef: { kind, name: 'test-data-plane' } });
    // A stateful set names the service that gives its pods their names: it has to be there.
    const service = /"serviceName":"([^"]+)"/.exec(text)?.[1];
    expect(service).toBe(claim ? 'test-workers' : undefined);
    if (service) expect(manifests.map(({ metadata }) => metadata.name)).toContain(service);
  });

  it('lets a control plane go where the audit trail goes, and keep what was destroyed, when it is told so', () => {
    const policyOf = (manifests: Manifest[]) =>
      JSON.stringify(
        manifests.filter(({ kind, metadata }) => kind === 'NetworkPolicy' && /control/.test(metadata.name)),
      );
    expect(policyOf(render())).not.toContain('6514');
    const rule = '{"ports":[{"port":6514,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"10.1.2.3/32"}}]}';
    const manifests = render(
      '--set-json',
      `networkPolicy.controlPlaneEgress=[${rule}]`,
      '--set',
      'controlPlane.destroyedClaim=destroyed',
    );
    expect(policyOf(manifests)).toContain('{"cidr":"10.1.2.3/32"}');
    expect(policyOf(render('--set-json', 'dataPlane.allowRanges=["10.9.0.0/16"]'))).toContain('{"cidr":"10.9.0.0/16"}');
    const text = JSON.stringify(manifests);
    expect(text).toContain('{"name":"ONECLI_DESTROYED_FILE","value":"/var/lib/onecli/destroyed.list"}');
    expect(text).toContain('{"name":"destroyed","persistentVolumeClaim":{"claimName":"destroyed"}}');
  });

  it('refuses values that make no sense', () => {
    const { stderr } = run('helm', ['template', 'test', chart, ...kubernetes, '--set', 'dataPlane.port=80']);
    expect(stderr).toContain('/dataPlane/port');
  });
});
