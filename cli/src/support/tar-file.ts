import { gzipSync } from 'node:zlib';

const blockBytes = 512;

/** A file of a bundle: a short ASCII name with `/` between folders, and its text. */
export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

/** A gzipped tar archive in the ustar format (POSIX.1-2017, pax, "ustar Interchange Format"). Names of at most 100 characters. */
export function tarFile(files: readonly BundleFile[], modifiedAt: Date): Buffer {
  const blocks = files.flatMap(({ name, text }) => {
    const content = Buffer.from(text, 'utf8');
    const padding = Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes);
    return [headerOf(name, content.length, modifiedAt), content, padding];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]));
}

function headerOf(name: string, size: number, modifiedAt: Date): Buffer {
  if (!/^[\w./-]{1,100}$/.test(name)) throw new RangeError('a name in an archive must be short and plain');
  const header = Buffer.alloc(blockBytes);
  header.write(name, 0, 'latin1');
  header.write('0000600\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${octal(size)}\0`, 124, 'latin1');
  header.write(`${octal(Math.floor(modifiedAt.getTime() / 1_000))}\0`, 136, 'latin1');
  // The sum is made as if its own field were blank.
  header.write('        ', 148, 'latin1');
  header.write('0', 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function octal(value: number): string {
  return value.toString(8).padStart(11, '0');
}
