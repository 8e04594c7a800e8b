// Brings a checkout to the point where it can run: dependencies installed, sources compiled. It runs before anything
// is installed, so it uses Node's own modules alone. Run directly (`node infra/tools/ensure.mjs`) it only installs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledWorkspaces, bundleFolder } from './bundle.mjs';

const minimumNode = [20, 19];
const compiledWorkspaces = ['shared', 'data-plane', 'control-plane', 'infra/embedded', 'cli'];

/** Absolute path of the repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Ends the process with code 2 and one clear line when this Node is older than the product needs. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return;
  console.error(`OneCLI needs Node ${minimumNode.join('.')} or newer (24 is recommended); this is ${process.version}.`);
  process.exit(2);
}

/**
 * Installs the dependencies with `npm ci` when node_modules is missing or belongs to another lock file, manifest,
 * platform or Node major version. Ends the process with npm's exit code when npm fails.
 */
export function ensureInstalled() {
  requireNode();
  const stampPath = join(root, 'node_modules/.onecli-stamp');
  const wanted = installHash();
  if (readIfPresent(stampPath) === wanted) return;
  if (!existsSync(join(root, 'node_modules'))) {
    install('node_modules is missing');
  } else if (!isInstalledAsLocked() || isForAnotherNode(stampPath, wanted)) {
    install('the installed packages differ from package-lock.json');
  }
  writeFileSync(stampPath, wanted);
}

/**
 * Compiles the workspaces with `tsc -b`, and bundles the programs of the planes, when something that they are made of has changed
 * since the last build. Ends the process with the exit code of what finds errors.
 */
export function ensureBuilt() {
  const stampPath = join(root, 'node_modules/.onecli-build-stamp');
  const wanted = sourceHash();
  const isCompiled = compiledWorkspaces.every((workspace) => existsSync(join(root, workspace, 'dist/.tsbuildinfo')));
  const isBuilt = isCompiled && bundledWorkspaces.every((one) => existsSync(join(root, bundleFolder(one), 'main.js')));
  if (isBuilt && readIfPresent(stampPath) === wanted) return;
  console.log(isBuilt ? 'Building: sources have changed.' : 'Building: not built yet.');
  removeOrphanedOutput();
  // tsc goes by times of files: one that was moved, or came with an older time, is seen only when all is built anew.
  const status = compile(isBuilt ? [] : ['--force'], isBuilt ? 'ignore' : 'inherit');
  const compiled = status !== 0 && isBuilt ? compile(['--force'], 'inherit') : status;
  const finalStatus = compiled === 0 ? bundle() : compiled;
  if (finalStatus !== 0) {
    console.error('The build failed.');
    process.exit(finalStatus ?? 1);
  }
  writeFileSync(stampPath, wanted);
}

/**
 * Builds the dashboard when something that it is made of has changed: it has a stamp of its own, so that a change of it builds
 * nothing else, and the other way round. Ends the process with Vite's exit code when that fails.
 */
export function ensureDashboardBuilt() {
  const stampPath = join(root, 'node_modules/.onecli-dashboard-stamp');
  const wanted = dashboardHash();
  if (existsSync(join(root, 'dashboard/dist/index.html')) && readIfPresent(stampPath) === wanted) return;
  console.log('Building the dashboard.');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: join(root, 'dashboard'),
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error('The build of the dashboard failed.');
    process.exit(status ?? 1);
  }
  writeFileSync(stampPath, wanted);
}

/** All that the dashboard is built of: its own files, what it may import of ours, and the packages. */
function dashboardHash() {
  const hash = createHash('sha256').update(readIfPresent(join(root, 'package-lock.json')) ?? '');
  const own = ['index.html', 'package.json', 'tsconfig.json', 'vite.config.ts'].map((name) => `dashboard/${name}`);
  const below = ['dashboard/src', 'dashboard/public', 'shared/src/domain'].flatMap((folder) =>
    filesBelow(join(root, folder))
      .map((path) => relative(root, path).split(sep).join('/'))
      .filter((path) => !/\.test\.tsx?$/.test(path)),
  );
  for (const path of [...own, ...below.sort()]) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

function compile(flags, stdio) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [tsc, '-b', ...flags, ...compiledWorkspaces], { cwd: root, stdio }).status;
}

/** In a process of its own: esbuild is there only when packages are installed, and gives its result later. */
function bundle() {
  return spawnSync(process.execPath, ['infra/tools/bundle.mjs'], { cwd: root, stdio: 'inherit' }).status;
}

/** The workspaces' folders, from the root manifest, relative to the root. */
function workspaceFolders() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).workspaces;
}

function installHash() {
  const hash = createHash('sha256');
  for (const folder of ['.', ...workspaceFolders()]) {
    hash.update(readIfPresent(join(root, folder, 'package.json')) ?? '').update('\0');
  }
  hash.update(readIfPresent(join(root, 'package-lock.json')) ?? '');
  const nodeMajor = process.versions.node.split('.')[0];
  return `${process.platform}-${process.arch}-node${nodeMajor} ${hash.digest('hex')}\n`;
}

/** A stamp written for another platform or Node major: native packages would not load. */
function isForAnotherNode(stampPath, wanted) {
  const stamp = readIfPresent(stampPath);
  return stamp !== undefined && stamp.split(' ')[0] !== wanted.split(' ')[0];
}

/** Whether npm's own record of what it installed agrees with the lock file: then a missing stamp costs nothing. */
function isInstalledAsLocked() {
  const installed = readJsonIfPresent(join(root, 'node_modules/.package-lock.json'))?.packages;
  const locked = readJsonIfPresent(join(root, 'package-lock.json'))?.packages;
  if (installed === undefined || locked === undefined) return false;
  const isSame = Object.entries(locked).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true || entry.devOptional === true || entry.peer === true;
    return found.version === entry.version && found.resolved === entry.resolved;
  });
  return isSame && manifestsMatchLock(locked);
}

/** npm ci refuses, with a good message, a manifest that asks for other packages than the lock file holds. */
function manifestsMatchLock(locked) {
  return ['', ...workspaceFolders()].every((folder) => {
    const manifest = readJsonIfPresent(join(root, folder, 'package.json')) ?? {};
    return ['dependencies', 'devDependencies', 'optionalDependencies'].every(
      (field) => canonical(manifest[field]) === canonical(locked[folder]?.[field]),
    );
  });
}

function canonical(ranges = {}) {
  return JSON.stringify(Object.entries(ranges).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function install(reason) {
  console.log(`Installing packages with npm ci: ${reason}. This takes about a minute the first time.`);
  const result = npmCi(root);
  if (result.status === 0) return;
  console.error(result.error === undefined ? 'npm ci failed.' : `npm could not be started: ${result.error.message}`);
  process.exit(result.status ?? 1);
}

function npmCi(folder) {
  const [command, ...parameters] = npmCiCommand();
  return spawnSync(command, parameters, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** `npm ci` for the folder that it is run in, by the npm that runs this process if there is one: a command and its parameters. */
export function npmCiCommand() {
  const npmScript = process.env.npm_execpath;
  const [command, prefix] =
    npmScript?.endsWith('.js') && npmScript.includes('npm') ? [process.execPath, [npmScript]] : ['npm', []];
  return [command, ...prefix, 'ci', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error'];
}

function sourceHash() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'tsconfig.json')));
  for (const workspace of compiledWorkspaces) {
    hash.update(readFileSync(join(root, workspace, 'tsconfig.json')));
    for (const path of builtSources(workspace)) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  }
  for (const path of ['infra/tools/bundle.mjs', 'package-lock.json', 'node_modules/typescript/package.json'])
    hash.update(readIfPresent(join(root, path)) ?? '');
  return hash.digest('hex');
}

function builtSources(workspace) {
  return filesBelow(join(root, workspace, 'src'))
    .filter((path) => /\.tsx?$/.test(path) && !/\.(test|contract)\.tsx?$|[\\/]testing[\\/]/.test(path))
    .map((path) => relative(root, path).split(sep).join('/'))
    .sort();
}

/** What a deleted or renamed source left in dist would still be loaded by whoever looks at the folder. */
function removeOrphanedOutput() {
  for (const workspace of compiledWorkspaces) {
    const dist = join(root, workspace, 'dist');
    for (const path of filesBelow(dist)) {
      const stem = relative(dist, path).replace(/(\.d\.ts|\.js)(\.map)?$/, '');
      if (
        stem === '.tsbuildinfo' ||
        stem.startsWith('bundle') ||
        existsSync(join(root, workspace, 'src', `${stem}.ts`))
      )
        continue;
      rmSync(path);
    }
  }
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function readIfPresent(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function readJsonIfPresent(path) {
  const text = readIfPresent(path);
  return text === undefined ? undefined : JSON.parse(text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled();
