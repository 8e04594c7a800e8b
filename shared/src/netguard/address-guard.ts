/** Decides which addresses the worker may dial: global unicast, and what an admin has opened; never itself. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { parseRange } from './parse-ranges.ts';
import {
  embeddedIpv4,
  type Ip,
  isInRange,
  parseIp,
  type Range,
  type SpecialReason,
  specialReason,
} from './special-ranges.ts';

export type RefusalReason = SpecialReason | 'own-listener' | 'zone' | 'not-an-address';

export type AddressVerdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

/** A socket that OneCLI listens on. The unspecified address stands for every address of this machine. */
export interface Listener {
  readonly address: string;
  readonly port: number;
}

export interface AddressGuardOptions {
  /** CIDRs, or single addresses, that are opened beside global unicast. */
  readonly allowRanges: readonly string[];
  readonly ownListeners: readonly Listener[];
  /** The addresses of this machine's interfaces. */
  readonly localAddresses?: () => string[];
}

const ALLOWED: AddressVerdict = { kind: 'allowed' };
const refused = (reason: RefusalReason): AddressVerdict => ({ kind: 'refused', reason });

/**
 * Judges addresses by the IANA special-purpose registries.
 * - An own listener is refused whatever is opened.
 * - A metadata service is opened only by a range that is that one address, never by a wider one around it.
 * - An IPv4-mapped address is refused, unless a range opens the IPv4 address inside, which is what it would reach.
 * - Any other form that carries an IPv4 address must itself be opened, and what it carries must be global or opened too.
 */
export class AddressGuard {
  readonly #ranges: readonly Range[];
  readonly #listeners: readonly { ip: Ip; port: number }[];
  readonly #localAddresses: () => string[];

  /** Throws TypeError naming the position of a range or listener that is not an address or CIDR. */
  constructor(options: AddressGuardOptions) {
    this.#ranges = options.allowRanges.map((text, index) => {
      const range = parseRange(text);
      if (!range) throw new TypeError(`allowRanges[${index}] is not a CIDR`);
      return range;
    });
    this.#listeners = options.ownListeners.map(({ address, port }, index) => {
      const ip = parseIp(address);
      if (!ip) throw new TypeError(`ownListeners[${index}] is not an IP address`);
      return { ip: unmap(ip), port };
    });
    this.#localAddresses = options.localAddresses ?? interfaceAddresses;
  }

  /**
   * May `ip` be dialled at `port`? `ip` is a literal in dotted-quad or RFC 4291 form, without brackets; other notations
   * (octal, hexadecimal, short) are refused as not an address.
   */
  verdict(ip: string, port: number): AddressVerdict {
    // Zones are cut off before parsing: Node and ipaddr.js do not agree on what one may contain.
    const [literal = '', zone] = ip.split('%');
    const address = parseIp(literal);
    if (isIP(ip) === 0 || !address) return refused('not-an-address');
    if (this.#isOwnListener(address, port)) return refused('own-listener');
    if (zone !== undefined) return refused(specialReason(address) ?? 'zone');
    return this.#judge(address);
  }

  #judge(address: Ip): AddressVerdict {
    const reason = specialReason(address);
    if (reason === undefined) return ALLOWED;
    const carried = address instanceof ipaddr.IPv6 ? embeddedIpv4(address, reason) : [];
    if (carried.length === 0) return this.#isOpened(address, reason) ? ALLOWED : refused(reason);
    const verdicts = carried.map((inner) => this.#judge(inner));
    const isFormOpened =
      this.#isOpened(address, reason) || (reason === 'mapped' && carried.some((inner) => this.#isListed(inner)));
    if (!isFormOpened) return refused(reason);
    return verdicts.find((verdict) => verdict.kind === 'refused') ?? ALLOWED;
  }

  #isOpened(address: Ip, reason: SpecialReason): boolean {
    const whole = address.kind() === 'ipv4' ? 32 : 128;
    return this.#ranges.some(
      (range) => isInRange(address, range) && (reason !== 'metadata' || range.prefixLength === whole),
    );
  }

  #isListed(address: Ip): boolean {
    return this.#ranges.some((range) => isInRange(address, range));
  }

  #isOwnListener(address: Ip, port: number): boolean {
    const listeners = this.#listeners.filter((listener) => listener.port === port);
    if (listeners.length === 0) return false;
    const reason = specialReason(address);
    const reached = [address, ...(address instanceof ipaddr.IPv6 && reason ? embeddedIpv4(address, reason) : [])];
    return reached.some((ip) => listeners.some((listener) => this.#reaches(ip, listener.ip)));
  }

  /** To dial an unspecified address is to dial loopback; a listener on one answers at every local address. */
  #reaches(dialled: Ip, listening: Ip): boolean {
    const [to, on] = [specialReason(dialled), specialReason(listening)];
    if (dialled.toNormalizedString() === listening.toNormalizedString()) return true;
    if (on === 'unspecified') return to === 'loopback' || to === 'unspecified' || this.#isLocal(dialled);
    return on === 'loopback' && to === 'unspecified';
  }

  #isLocal(address: Ip): boolean {
    const wanted = address.toNormalizedString();
    return this.#localAddresses().some((local) => parseIp(local)?.toNormalizedString() === wanted);
  }
}

function unmap(ip: Ip): Ip {
  return ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress() ? ip.toIPv4Address() : ip;
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
