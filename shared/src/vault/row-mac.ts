import { createHmac, timingSafeEqual } from 'node:crypto';
import { associatedData } from './associated-data.ts';

/** What a row says, in an order that its kind gives: JSON tells one list from every other. */
export type RowFacts = readonly unknown[];

/**
 * HMAC-SHA256 of what a row of a table says, under the instance's key for `row-mac`: 32 bytes. Who can only write to the database can put
 * back a row that was, and cannot make one that is believed.
 */
export function rowMac(key: Buffer, table: string, facts: RowFacts): Buffer {
  return createHmac('sha256', key)
    .update(associatedData([table, JSON.stringify(facts)]))
    .digest();
}

/** Whether a row is as a holder of the key wrote it. A row without a MAC is not. In constant time. */
export function isRowMac(key: Buffer, table: string, facts: RowFacts, mac: Buffer | null | undefined): boolean {
  const expected = rowMac(key, table, facts);
  return mac?.length === expected.length && timingSafeEqual(mac, expected);
}
