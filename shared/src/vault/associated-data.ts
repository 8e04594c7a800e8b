const LENGTH_BYTES = 4;

/**
 * Joins fields so that no two different lists give the same bytes: each is preceded by its length (u32, big-endian).
 * Text is UTF-8.
 */
export function associatedData(fields: readonly (string | Buffer)[]): Buffer {
  let size = 0;
  for (const field of fields) size += LENGTH_BYTES + Buffer.byteLength(field);
  const joined = Buffer.allocUnsafe(size);
  let at = 0;
  for (const field of fields) {
    const length = Buffer.byteLength(field);
    at = joined.writeUInt32BE(length, at);
    if (typeof field === 'string') joined.write(field, at, 'utf8');
    else field.copy(joined, at);
    at += length;
  }
  return joined;
}

/** A u32, big-endian. */
export function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A u64, big-endian, from a safe integer that is not negative. */
export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
