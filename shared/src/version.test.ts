import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { productVersion } from './version.ts';

describe('productVersion', () => {
  it.each(['', 'shared/', 'control-plane/', 'data-plane/', 'cli/'])('is that of %spackage.json', (folder) => {
    const text = readFileSync(new URL(`../../${folder}package.json`, import.meta.url), 'utf8');
    expect((JSON.parse(text) as { version: string }).version).toBe(productVersion);
  });
});
