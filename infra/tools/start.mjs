// `npm start`: installs and builds what is missing or stale, then becomes the supervisor, so that signals reach it directly.
import { ensureBuilt, ensureDashboardBuilt, ensureInstalled, root } from './ensure.mjs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

ensureInstalled();
ensureBuilt();
ensureDashboardBuilt();
await import(pathToFileURL(join(root, 'infra/embedded/dist/main.js')).href);
