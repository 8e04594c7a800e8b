// `npm run build`: installs what is missing, then compiles what has changed.
import { ensureBuilt, ensureDashboardBuilt, ensureInstalled } from './ensure.mjs';

ensureInstalled();
ensureBuilt();
ensureDashboardBuilt();
