/** permessage-deflate's negotiation (RFC 7692 5, 7.1), as one who stands between two endpoints has to read it. */

/** What was agreed for one WebSocket; both its legs keep to it. */
export interface DeflateParameters {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** 8 to 15. */
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

/** One offer of a client, as it is understood. */
export interface DeflateOffer {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  readonly serverMaxWindowBits: number | undefined;
  /** `any`: the client lets the server choose (RFC 7692 7.1.2.2). */
  readonly clientMaxWindowBits: number | 'any' | undefined;
}

interface Extension {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string | undefined>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const elementSyntax = new RegExp(
  `^[ \\t]*(${token})[ \\t]*((?:;[ \\t]*${token}[ \\t]*(?:=[ \\t]*(?:${token}|"${token}")[ \\t]*)?)*)$`,
);
const parameterSyntax = new RegExp(`;[ \\t]*(${token})[ \\t]*(?:=[ \\t]*"?(${token})"?)?`, 'g');
const windowBits = /^(?:[89]|1[0-5])$/;
const extensionName = 'permessage-deflate';

/**
 * The offers of `Sec-WebSocket-Extensions` that are understood: permessage-deflate with its four parameters. Others are
 * left out, as if the client had not made them (RFC 6455 9.1). `malformed` when the field is not a list of extensions.
 */
export function parseOffers(value: string): readonly DeflateOffer[] | 'malformed' {
  const extensions = parseExtensions(value);
  if (extensions === 'malformed') return 'malformed';
  return extensions.flatMap((extension) => readOffer(extension) ?? []);
}

/** Offers as a field value, in their one form. */
export function writeOffers(offers: readonly DeflateOffer[]): string {
  return offers.map(writeOffer).join(', ');
}

/**
 * What a server's `Sec-WebSocket-Extensions` agrees to: undefined for nothing. `refused` when it is not an answer to one of
 * the offers (RFC 7692 7.1).
 */
export function parseAgreement(
  value: string | undefined,
  offers: readonly DeflateOffer[],
): DeflateParameters | undefined | 'refused' {
  if (value === undefined) return undefined;
  const extensions = parseExtensions(value);
  const [extension] = extensions;
  if (extensions === 'malformed' || extensions.length !== 1 || typeof extension !== 'object') return 'refused';
  const answer = readOffer(extension);
  if (!answer || answer.clientMaxWindowBits === 'any' || !offers.some((offer) => answers(answer, offer)))
    return 'refused';
  return {
    serverNoContextTakeover: answer.serverNoContextTakeover,
    clientNoContextTakeover: answer.clientNoContextTakeover,
    serverMaxWindowBits: answer.serverMaxWindowBits ?? 15,
    clientMaxWindowBits: answer.clientMaxWindowBits ?? 15,
  };
}

function answers(answer: DeflateOffer, offer: DeflateOffer): boolean {
  if (offer.serverNoContextTakeover && !answer.serverNoContextTakeover) return false;
  if (offer.serverMaxWindowBits !== undefined && (answer.serverMaxWindowBits ?? 15) > offer.serverMaxWindowBits)
    return false;
  if (typeof answer.clientMaxWindowBits !== 'number') return true;
  if (offer.clientMaxWindowBits === 'any') return true;
  return offer.clientMaxWindowBits !== undefined && answer.clientMaxWindowBits <= offer.clientMaxWindowBits;
}

function parseExtensions(value: string): readonly Extension[] | 'malformed' {
  const extensions: Extension[] = [];
  for (const element of value.split(',')) {
    const match = elementSyntax.exec(element);
    if (!match) return 'malformed';
    const parameters = new Map<string, string | undefined>();
    for (const [, name = '', parameter] of (match[2] ?? '').matchAll(parameterSyntax)) {
      if (parameters.has(name)) return 'malformed';
      parameters.set(name, parameter);
    }
    extensions.push({ name: match[1] ?? '', parameters });
  }
  return extensions;
}

/** Undefined for what is not permessage-deflate as RFC 7692 has it. */
function readOffer({ name, parameters }: Extension): DeflateOffer | undefined {
  if (name !== extensionName) return undefined;
  const offer = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined as number | undefined,
    clientMaxWindowBits: undefined as number | 'any' | undefined,
  };
  for (const [parameter, value] of parameters) {
    if (parameter === 'server_no_context_takeover' && value === undefined) offer.serverNoContextTakeover = true;
    else if (parameter === 'client_no_context_takeover' && value === undefined) offer.clientNoContextTakeover = true;
    else if (parameter === 'client_max_window_bits' && value === undefined) offer.clientMaxWindowBits = 'any';
    else if (value === undefined || !windowBits.test(value)) return undefined;
    else if (parameter === 'server_max_window_bits') offer.serverMaxWindowBits = Number(value);
    else if (parameter === 'client_max_window_bits') offer.clientMaxWindowBits = Number(value);
    else return undefined;
  }
  return offer;
}

function writeOffer(offer: DeflateOffer): string {
  let text = extensionName;
  if (offer.serverNoContextTakeover) text += '; server_no_context_takeover';
  if (offer.clientNoContextTakeover) text += '; client_no_context_takeover';
  if (offer.serverMaxWindowBits !== undefined) text += `; server_max_window_bits=${offer.serverMaxWindowBits}`;
  if (offer.clientMaxWindowBits === 'any') text += '; client_max_window_bits';
  else if (offer.clientMaxWindowBits !== undefined) text += `; client_max_window_bits=${offer.clientMaxWindowBits}`;
  return text;
}
