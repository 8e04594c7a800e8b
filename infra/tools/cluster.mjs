// `npm run cluster`: installs and builds what is missing or stale, then becomes the cluster's supervisor.
import { ensureBuilt, ensureDashboardBuilt, ensureInstalled, root } from './ensure.mjs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

ensureInstalled();
ensureBuilt();
ensureDashboardBuilt();
await import(pathToFileURL(join(root, 'infra/embedded/dist/cluster/main.js')).href);
