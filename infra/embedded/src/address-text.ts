import { isIP, isIPv4 } from 'node:net';

/** `10.0.0.0/8`, or one address. */
export function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  if (isIP(address) === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= (isIPv4(address) ? 32 : 128));
}

/** `address:port`; IPv6 in brackets. */
export function isEndpoint(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):([1-9][0-9]{0,4})$/.exec(text) ?? [];
  return isIP(bracketed ?? plain ?? '') !== 0 && Number(port) <= 65_535;
}

/** `host:port=address:port`. */
export function isRedirection(text: string): boolean {
  return /^[^=\s]+:[0-9]{1,5}=[^=\s]+:[0-9]{1,5}$/.test(text);
}

/** A host name, without a port. */
export function isHostName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/i.test(text);
}
