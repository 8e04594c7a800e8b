// `npm run bench -- <flags>`: the benchmark, with its flags passed through.
import { spawnSync } from 'node:child_process';
import { ensureBuilt, ensureInstalled, root } from './ensure.mjs';

ensureInstalled();
ensureBuilt();
const parameters = ['--conditions=source', '--import', 'tsx', 'test/bench/main.ts', ...process.argv.slice(2)];
const result = spawnSync(process.execPath, parameters, { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);
