// `npm run bench -- <flags>` and `npm run scale -- <flags>`: the measurements, with their flags passed through.
import { spawnSync } from 'node:child_process';
import { ensureBuilt, ensureInstalled, root } from './ensure.mjs';

ensureInstalled();
ensureBuilt();
const [which = 'bench', ...flags] = process.argv.slice(2);
const parameters = ['--conditions=source', '--import', 'tsx', `test/${which}/main.ts`, ...flags];
const result = spawnSync(process.execPath, parameters, { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);
