import { describe, expect, it } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { readDocuments } from './read-documents.ts';

const read = (text: string, path = 'onecli.yaml') => readConfiguration(readDocuments({ path, text }));
const fault = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
};

const file = `# A comment
apiVersion: onecli/v1
managedBy: github.com/acme/infra
secrets:
  - name: prod/stripe
    valueFrom: { env: STRIPE_KEY }
    binding: { hosts: [api.stripe.com], surfaces: [header, basic] }
policies:
  - name: finance
    agents: [openclaw-finance]
    rules:
      - allow: { hosts: [api.stripe.com], secrets: [prod/stripe] }
      - deny:
          hosts: [api.openai.com]
`;

describe('the YAML of a configuration', () => {
  it('gives its objects, where values come from, and the place of each field', () => {
    const { objects, managedBy, sources, place } = read(file);
    expect(managedBy).toBe('github.com/acme/infra');
    expect(objects.secrets).toEqual([
      { name: 'prod/stripe', binding: { hosts: ['api.stripe.com'], surfaces: ['header', 'basic'] } },
    ]);
    expect(sources).toEqual([
      { index: 0, from: { env: 'STRIPE_KEY' }, path: 'onecli.yaml', place: 'onecli.yaml:6:16' },
    ]);
    expect(place('policies[0].rules[1].deny.hosts[0]')).toBe('onecli.yaml:14:19');
    expect(place('policies[0].rules[0].allow.secrets[0]')).toBe('onecli.yaml:12:53');
    expect(place('secrets[0].value')).toBe('onecli.yaml:6:16');
  });

  it('names what is nearest above a field that is not there', () => {
    expect(read(file).place('policies[0].rules[1].deny.paths[3]')).toBe('onecli.yaml:14:11');
    expect(read(file).place('agents[7].name')).toBe('');
  });

  it('puts documents and files together in their order', () => {
    const two = 'apiVersion: onecli/v1\nagents: [{name: a}]\n---\napiVersion: onecli/v1\nagents:\n  - name: b\n';
    const documents = [
      ...readDocuments({ path: 'one.yaml', text: two }),
      ...readDocuments({ path: 'two.yaml', text: 'apiVersion: onecli/v1\nagents:\n  - name: c\n---\n' }),
    ];
    const { objects, place } = readConfiguration(documents);
    expect(objects.agents).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    expect([0, 1, 2].map((index) => place(`agents[${index}].name`))).toEqual([
      'one.yaml:2:17',
      'one.yaml:6:11',
      'two.yaml:3:11',
    ]);
  });

  it('follows an alias to where its fields stand', () => {
    const text = 'apiVersion: onecli/v1\npolicies:\n  - &a\n    name: x\n    rules: []\n  - *a\n';
    expect(read(text).place('policies[1].rules')).toBe('onecli.yaml:5:12');
  });

  it.each([
    ['an unknown section', 'apiVersion: onecli/v1\nsecret: []\n', 'onecli.yaml:2:9: secret is not a known field'],
    ['no version', 'secrets: []\n', 'onecli.yaml:1:1: apiVersion must be onecli/v1'],
    ['another version', 'apiVersion: onecli/v2\n', 'onecli.yaml:1:13: apiVersion must be onecli/v1'],
    ['a list that is none', 'apiVersion: onecli/v1\nagents: {}\n', 'onecli.yaml:2:9: agents must be a list'],
    ['two sources', `${file}---\n${file.replace('acme', 'other')}`, 'managedBy must be that of'],
    [
      'a source of a value that is none',
      'apiVersion: onecli/v1\nsecrets:\n  - name: prod/x\n    valueFrom: { vault: x }\n',
      'onecli.yaml:4:16: secrets[0].valueFrom must be one of',
    ],
    [
      'a setting of the gateway as a value',
      'apiVersion: onecli/v1\nsecrets:\n  - name: prod/x\n    valueFrom: { env: ONECLI_MASTER_KEY }\n',
      'onecli.yaml:4:23: secrets[0].valueFrom.env must not be',
    ],
  ])('refuses %s, with its place', (_what, text, message) => {
    expect(fault(text)).toContain(message);
  });

  it('tells all faults of the frame at once', () => {
    const text = 'apiVersion: onecli/v1\nagent: []\npolicy: []\nroutes: 1\n';
    expect(fault(text).split('\n')).toHaveLength(4);
  });
});

describe('hostile YAML', () => {
  it('a bomb of aliases is refused, and quickly', () => {
    const levels = Array.from({ length: 9 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(',')}]`);
    expect(fault(`l0: &l0 [lol]\n${levels.join('\n')}\n`)).toContain('repeats anchors too often');
  });

  it('an anchor within itself is refused', () => {
    expect(fault('apiVersion: onecli/v1\nagents: &a\n  - labels: *a\n')).toContain('within themselves');
  });

  it('a key that is there twice is refused, with its place', () => {
    expect(fault('apiVersion: onecli/v1\nagents:\n  - name: a\n    name: b\n')).toContain('onecli.yaml:4:5');
  });

  it('__proto__ is refused wherever it stands', () => {
    expect(fault('apiVersion: onecli/v1\n__proto__: {agents: []}\n')).toContain('__proto__ is not a known field');
    expect(fault('apiVersion: onecli/v1\nagents:\n  - {name: a, labels: {__proto__: {x: y}}}\n')).toContain(
      '__proto__',
    );
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('what is nested without end is refused and does not end the process', () => {
    expect(fault(`agents: ${'['.repeat(20_000)}`)).toMatch(/nested too deeply|onecli\.yaml:/);
  });

  it('tags make no objects', () => {
    expect(fault('apiVersion: onecli/v1\nagents: !!js/function "x"\n')).toContain('onecli.yaml:2');
  });

  it('a value that stands in a file by mistake is refused and not repeated', () => {
    const said = fault('apiVersion: onecli/v1\nsecrets:\n  - name: prod/x\n    value: sk-canary-1\n');
    expect(said).toContain('onecli.yaml:4:12: secrets[0].value must not stand in a file');
    expect(said).not.toContain('sk-canary-1');
    for (const broken of [
      'value: "sk-canary-1',
      'value: sk-canary-1: x',
      '"sk-canary-1" "y"',
      '*sk-canary-1',
      '@sk-canary-1',
    ])
      expect(fault(`apiVersion: onecli/v1\nsecrets:\n  - ${broken}\n`), broken).not.toContain('sk-canary-1');
  });
});
