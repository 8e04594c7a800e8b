import { describe, expect, it } from 'vitest';
import { type DeflateOffer, parseAgreement, parseOffers, writeOffers } from './extensions.ts';

function offers(value: string): readonly DeflateOffer[] {
  const parsed = parseOffers(value);
  if (parsed === 'malformed') throw new Error('malformed');
  return parsed;
}

describe('permessage-deflate offers', () => {
  it.each([
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=12',
    'permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits',
  ])('%s is understood', (value) => {
    expect(offers(writeOffers(offers(value)))).toEqual(offers(value));
    expect(offers(value).length).toBe(value.split(',').length);
  });

  it.each([
    'x-webkit-deflate-frame',
    'permessage-deflate; unknown',
    'permessage-deflate; server_max_window_bits',
    'permessage-deflate; server_max_window_bits=16',
    'permessage-deflate; server_max_window_bits=7',
    'permessage-deflate; server_max_window_bits=010',
    'permessage-deflate; client_no_context_takeover=1',
    'Permessage-Deflate',
  ])('%s is left out', (value) => expect(offers(value)).toEqual([]));

  it('one that is understood stays beside one that is not', () => {
    expect(writeOffers(offers('bbf-usp-protocol, permessage-deflate; client_max_window_bits="11", foo; x=1'))).toBe(
      'permessage-deflate; client_max_window_bits=11',
    );
  });

  it.each(['', ',', 'permessage-deflate;', 'permessage-deflate; a=', 'a b', 'permessage-deflate; x; x', '"a"'])(
    '%j is malformed',
    (value) => expect(parseOffers(value)).toBe('malformed'),
  );
});

describe('permessage-deflate agreement', () => {
  const plain = offers('permessage-deflate');
  const any = offers('permessage-deflate; client_max_window_bits');
  const bound = offers('permessage-deflate; server_max_window_bits=10; server_no_context_takeover');

  it.each([
    [plain, 'permessage-deflate', [15, 15, false]],
    [plain, 'permessage-deflate; client_no_context_takeover', [15, 15, true]],
    [plain, 'permessage-deflate; server_max_window_bits=9', [15, 9, false]],
    [any, 'permessage-deflate; client_max_window_bits=11', [11, 15, false]],
    [bound, 'permessage-deflate; server_max_window_bits=10; server_no_context_takeover', [15, 10, false]],
  ])('an answer to an offer is taken (%#)', (offered, value, [client, server, noTakeover]) => {
    expect(parseAgreement(value, offered)).toMatchObject({
      clientMaxWindowBits: client,
      serverMaxWindowBits: server,
      clientNoContextTakeover: noTakeover,
    });
  });

  it('no answer agrees to nothing', () => expect(parseAgreement(undefined, any)).toBeUndefined());

  it.each([
    [[], 'permessage-deflate'],
    [plain, 'permessage-deflate; client_max_window_bits=10'],
    [any, 'permessage-deflate; client_max_window_bits'],
    [bound, 'permessage-deflate; server_no_context_takeover'],
    [bound, 'permessage-deflate; server_max_window_bits=11; server_no_context_takeover'],
    [bound, 'permessage-deflate; server_max_window_bits=10'],
    [plain, 'permessage-deflate, permessage-deflate'],
    [plain, 'permessage-deflate; mux'],
    [plain, 'x-other'],
    [plain, ''],
  ])('an answer that is none of the offers is refused (%#)', (offered, value) => {
    expect(parseAgreement(value, offered)).toBe('refused');
  });
});
