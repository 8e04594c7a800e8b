// One process of a cluster (`data-plane`, `control-plane`) in this one's place: built first where its sources have changed.
import { bundleFolder } from './bundle.mjs';
import { ensureBuilt, ensureDashboardBuilt, ensureInstalled, root } from './ensure.mjs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , name] = process.argv;
if (name !== 'data-plane' && name !== 'control-plane') {
  console.error('expected data-plane or control-plane');
  process.exit(2);
}
process.env.NODE_ENV ??= 'production';
ensureInstalled();
ensureBuilt();
if (name === 'control-plane') ensureDashboardBuilt();
await import(pathToFileURL(join(root, bundleFolder(name), 'main.js')).href);
