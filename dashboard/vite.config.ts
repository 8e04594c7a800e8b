import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { type Plugin, defineConfig } from 'vite';

const output = fileURLToPath(new URL('dist', import.meta.url));
const compressible = /\.(?:js|css|svg)$/;

/** Scripts that a browser loads, compressed: at most so much. What is reached, and a tenth more. */
const limits = {
  /** To show its first screen, whichever that is. */
  first: { maxBytes: 270_000, what: 'The biggest first screen' },
  /** The same, with the parts of that screen that come when they are shown (an editor). */
  whole: { maxBytes: 285_000, what: 'The biggest screen with all its parts' },
} as const;

/** Writes `.br` and `.gz` beside what is worth it: the control plane sends them as they are. Refuses a first screen that is too big. */
function precompress(): Plugin {
  let scripts: Readonly<Record<keyof typeof limits, ScreenScripts>> = { first: new Map(), whole: new Map() };
  return {
    name: 'precompress',
    apply: 'build',
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === 'chunk');
      scripts = { first: scriptsOfScreens(chunks, false), whole: scriptsOfScreens(chunks, true) };
    },
    async closeBundle() {
      const files = await readdir(output, { recursive: true });
      await Promise.all(
        files.filter((file) => compressible.test(file)).map((file) => compressFile(join(output, file))),
      );
      const sizes = new Map<string, number>();
      for (const file of files) if (file.endsWith('.js')) sizes.set(file, await sentBytes(join(output, file)));
      for (const key of ['first', 'whole'] as const) this.info(checkSize(key, scripts[key], sizes));
    },
  };
}

/** Gives what the biggest screen takes. @throws when that is too much */
function checkSize(key: keyof typeof limits, scripts: ScreenScripts, sizes: ReadonlyMap<string, number>): string {
  const { maxBytes, what } = limits[key];
  const totals = [...scripts].map(
    ([screen, files]) => [screen, [...files].reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0)] as const,
  );
  const [screen, bytes] = totals.toSorted(([, one], [, other]) => other - one)[0] ?? ['none', 0];
  if (bytes === 0) throw new Error('There is no screen whose scripts could be measured');
  if (bytes > maxBytes)
    throw new Error(`${what}, ${screen}, loads ${bytes} bytes of script, compressed: more than ${maxBytes}`);
  return `${what} is ${screen}: ${bytes} bytes of script, compressed.`;
}

interface Chunk {
  readonly fileName: string;
  readonly isEntry: boolean;
  readonly imports: readonly string[];
  readonly dynamicImports: readonly string[];
}

type ScreenScripts = ReadonlyMap<string, ReadonlySet<string>>;

/** By each screen, the scripts that are needed when it is the first one: of the page, and its own; `isWhole`: those too that it loads later. */
function scriptsOfScreens(chunks: readonly Chunk[], isWhole: boolean): ScreenScripts {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const gather = (fileName: string, found: Set<string>, withLater: boolean): Set<string> => {
    if (found.has(fileName)) return found;
    found.add(fileName);
    const { imports = [], dynamicImports = [] } = byName.get(fileName) ?? {};
    for (const one of withLater ? [...imports, ...dynamicImports] : imports) gather(one, found, withLater);
    return found;
  };
  const entry = chunks.find(({ isEntry }) => isEntry);
  if (entry === undefined) return new Map();
  const page = gather(entry.fileName, new Set(), false);
  return new Map(entry.dynamicImports.map((screen) => [screen, gather(screen, new Set(page), isWhole)]));
}

/** What of a script goes over the wire. */
async function sentBytes(path: string): Promise<number> {
  const { size } = await stat(path);
  const compressed = await stat(`${path}.br`).catch(() => undefined);
  return compressed?.size ?? size;
}

async function compressFile(path: string): Promise<void> {
  const content = await readFile(path);
  const br = await promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } });
  const gz = await promisify(gzip)(content, { level: 9 });
  if (br.length < content.length) await writeFile(`${path}.br`, br);
  if (gz.length < content.length) await writeFile(`${path}.gz`, gz);
}

// The tool looks for a default export.
// oxlint-disable-next-line import/no-default-export
export default defineConfig({
  plugins: [react(), precompress()],
  resolve: { conditions: ['source', 'browser', 'module', 'import', 'default'] },
  build: {
    outDir: output,
    target: 'es2023',
    // An inlined asset would be a `data:` URL, which the page's policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What counts is what a first screen loads, compressed: see above.
    chunkSizeWarningLimit: 2_000,
  },
});
