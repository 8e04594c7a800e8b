import { describe, expect, it } from 'vitest';
import { shownUrl } from './shown-url.ts';

describe('the URL in the address', () => {
  it.each([
    ['https://api.example.com/v1/a?api_key=real#b', 'https://api.example.com/v1/a'],
    ['https://user:real@api.example.com:8443/v1', 'https://api.example.com:8443/v1'],
    ['https://a@real@api.example.com/v1/@me', 'https://api.example.com/v1/@me'],
    ['api.example.com/%2e%2e/a', 'api.example.com/%2e%2e/a'],
  ])('is of %s', (given, shown) => {
    expect(shownUrl(given)).toBe(shown);
  });
});
