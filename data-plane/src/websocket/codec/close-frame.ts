import { isUtf8 } from 'node:buffer';
import { closeCodes, type FrameFault, frameFault } from './frame.ts';

/**
 * Why a Close frame's payload is malformed, or undefined: it is empty, or a status code that may be sent and a reason in
 * UTF-8 (RFC 6455 5.5.1, 7.4). 1005, 1006 and 1015 are for use within a program and never on the wire.
 */
export function closeFault(payload: Buffer): FrameFault | undefined {
  if (payload.length === 0) return undefined;
  if (payload.length === 1) return frameFault(closeCodes.protocolError, 'a Close frame has half a status code');
  const code = payload.readUInt16BE(0);
  const isDefined = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  if (!isDefined && (code < 3000 || code > 4999)) {
    return frameFault(closeCodes.protocolError, 'a Close frame has a status code that must not be sent');
  }
  if (!isUtf8(payload.subarray(2))) return frameFault(closeCodes.badPayload, 'a Close frame has a reason not in UTF-8');
  return undefined;
}
