import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Reads a file, or whatever stands at a path or descriptor, up to a size: what never ends is not read for ever.
 * Gives undefined when there is more. @throws what the file system says
 */
export function readBounded(path: string | number, maxBytes: number): Buffer | undefined {
  const descriptor = typeof path === 'number' ? path : openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let size = 0; ; ) {
      const chunk = Buffer.alloc(64 * 1024);
      const length = readSync(descriptor, chunk);
      if (length === 0) return Buffer.concat(chunks);
      size += length;
      if (size > maxBytes) return undefined;
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    if (typeof path === 'string') closeSync(descriptor);
  }
}
