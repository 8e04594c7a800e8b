import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

const typesByExtension: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** What a browser may be sent of a file, the best first. */
const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

export type Encoding = (typeof encodings)[number][0];

/** A file of the dashboard, in memory. */
export interface PageFile {
  readonly type: string;
  /** Its name has a hash of its content: it never changes. */
  readonly isImmutable: boolean;
  readonly content: Buffer;
  readonly encoded: ReadonlyMap<Encoding, Buffer>;
}

/** The built dashboard: the page, and the files that it loads by their paths in the URL. */
export interface PageFiles {
  readonly page: string;
  readonly files: ReadonlyMap<string, PageFile>;
}

/**
 * Reads the built dashboard once. A path that is asked for is looked up among these and never joined with a folder's name, so that
 * there is no way to another file.
 * @returns undefined when it was not built
 */
export async function readPageFiles(folder: string): Promise<PageFiles | undefined> {
  const page = await readFile(join(folder, 'index.html'), 'utf8').catch(() => undefined);
  if (page === undefined) return undefined;
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = await Promise.all(
    paths.map(async (path) => [relative(folder, path).split(sep).join('/'), await readFile(path)] as const),
  );
  const contents = new Map(read);
  const files = new Map<string, PageFile>();
  for (const [name, content] of contents) {
    const type = typesByExtension[extname(name)];
    if (type === undefined) continue;
    const encoded = encodings.flatMap(([encoding, suffix]) => {
      const found = contents.get(name + suffix);
      return found === undefined ? [] : [[encoding, found] as const];
    });
    files.set(`/${name}`, { type, isImmutable: name.startsWith('assets/'), content, encoded: new Map(encoded) });
  }
  return { page, files };
}
