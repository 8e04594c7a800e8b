// Maintenance (`rekey`, `restore`): on DATABASE_URL where that is set, else on the data folder of this machine.
import { ensureBuilt, ensureInstalled, root } from './ensure.mjs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

ensureInstalled();
ensureBuilt();
const program = process.env.DATABASE_URL ? 'control-plane/dist/bundle/maintain.js' : 'infra/embedded/dist/maintain.js';
await import(pathToFileURL(join(root, program)).href);
