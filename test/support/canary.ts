import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Gives a key-like value that occurs nowhere else. */
export function newCanary(label: string): string {
  return `sk-canary-${label}-${randomBytes(18).toString('hex')}`;
}

const knownForms = new Map<string, Buffer[]>();

/** The forms in which a value may turn up: as it is, base64 in each alignment, base64url, hex, percent-encoded, UTF-16. */
export function formsOf(canary: string): Buffer[] {
  const known = knownForms.get(canary) ?? makeForms(canary);
  knownForms.set(canary, known);
  return known;
}

function makeForms(canary: string): Buffer[] {
  const bytes = Buffer.from(canary);
  const aligned = [0, 1, 2].map((skip) => {
    const whole = bytes.subarray(skip, skip + Math.floor((bytes.length - skip) / 3) * 3);
    return whole.toString('base64');
  });
  const texts = [
    canary,
    ...aligned,
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    encodeURIComponent(canary),
  ];
  return [...texts.map((text) => Buffer.from(text)), Buffer.from(canary, 'utf16le')];
}

/** Gives the canaries that occur in the bytes, in any form. */
export function canariesIn(bytes: Buffer | string, canaries: readonly string[]): string[] {
  const haystack = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
  return canaries.filter((canary) => formsOf(canary).some((form) => haystack.includes(form)));
}

/** Gives `file: canary` for each file below a folder that holds a canary in any form. */
export function canariesInFolder(folder: string, canaries: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    if (!entry.isFile()) return [];
    const file = join(entry.parentPath, entry.name);
    try {
      return canariesIn(readFileSync(file), canaries).map((canary) => `${file}: ${canary}`);
    } catch {
      return []; // Postgres removed it between the listing and the look
    }
  });
}
