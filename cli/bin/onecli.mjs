#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// A fresh clone has no dist. The build's own output goes to stderr: stdout belongs to the command that was asked for.
const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(main)) {
  const build = fileURLToPath(new URL('../../infra/tools/build.mjs', import.meta.url));
  const isBuilt = existsSync(build) && spawnSync(process.execPath, [build], { stdio: ['ignore', 2, 2] }).status === 0;
  if (!isBuilt || !existsSync(main)) {
    process.stderr.write(
      'onecli is not built and could not be built here. Run `npm install && npm run build` in its repository.\n',
    );
    process.exit(1);
  }
}
await import(main.href);
