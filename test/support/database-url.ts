import { join } from 'node:path';

/** The product's PostgreSQL, by the socket in its data folder. */
export function databaseUrlOf(dataFolder: string): string {
  return `postgres:///onecli?host=${encodeURIComponent(join(dataFolder, 'postgres/socket'))}&user=onecli`;
}
