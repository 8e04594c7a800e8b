// `npm run check`: types, lint, format, boundaries and dead code. One line per tool; a tool's output only when it fails.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, root } from './ensure.mjs';

const fewestCruisedModules = 50;
const bin = (name) => join(root, 'node_modules/.bin', name);
/** What tsc knows of the sources that have not changed. */
const typesCache = 'node_modules/.cache/onecli/types.tsbuildinfo';
const dashboardCache = 'node_modules/.cache/onecli/dashboard-types.tsbuildinfo';
const cruised = ['shared', 'data-plane', 'control-plane', 'cli', 'dashboard', 'infra', 'test'];

/** Slowest first: two run at a time. `judge` turns a tool's result into the text of its failure, or nothing. */
const tools = [
  {
    name: 'types',
    command: ['tsc', '--noEmit', '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', typesCache],
    judge: byExitCode,
  },
  {
    name: 'types of the dashboard',
    command: ['tsc', '--noEmit', '-p', 'dashboard/tsconfig.json', '--incremental', '--tsBuildInfoFile', dashboardCache],
    judge: byExitCode,
  },
  {
    name: 'documents of the dashboard',
    command: ['graphql-codegen', '--config', 'codegen.ts', '--check'],
    folder: 'dashboard',
    judge: byExitCode,
  },
  {
    name: 'lint',
    command: ['oxlint', '-c', 'infra/tools/oxlintrc.json', '--type-aware', '--deny-warnings', '--quiet', '.'],
    judge: byExitCode,
  },
  {
    name: 'boundaries',
    command: ['depcruise', '--config', 'infra/tools/dependency-cruiser.cjs', '--output-type', 'json', ...cruised],
    judge: byCruise,
  },
  { name: 'dead code', command: ['knip', '--config', 'infra/tools/knip.json', '--no-progress'], judge: byExitCode },
  { name: 'format', command: ['biome', 'format', '--config-path=infra/tools', '.'], judge: byExitCode },
];

ensureInstalled();
const queue = [...tools];
let failures = 0;
await Promise.all([worker(), worker()]);
process.exit(failures === 0 ? 0 : 1);

async function worker() {
  for (let tool = queue.shift(); tool !== undefined; tool = queue.shift()) {
    const startedAt = performance.now();
    const failure = tool.judge(await run(tool));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${failure === undefined ? 'ok  ' : 'FAIL'} ${tool.name} (${seconds} s)`);
    if (failure === undefined) continue;
    failures += 1;
    console.log(failure.trimEnd());
  }
}

function run({ command: [name, ...parameters], folder = '.' }) {
  return new Promise((resolve, reject) => {
    const child = spawn(bin(name), parameters, { cwd: join(root, folder), stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

function byExitCode({ code, stdout, stderr }) {
  return code === 0 ? undefined : `${stdout}${stderr}` || `exit code ${code}`;
}

/** A cruise that cannot read the sources finds nothing and passes: too few modules is a failure too. */
function byCruise({ code, stdout, stderr }) {
  let summary;
  try {
    summary = JSON.parse(stdout).summary;
  } catch {
    return `${stdout}${stderr}` || `exit code ${code}`;
  }
  if (summary.totalCruised < fewestCruisedModules) return `only ${summary.totalCruised} modules were read`;
  if (summary.error === 0 && code === 0) return undefined;
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).join('\n') || stderr;
}
