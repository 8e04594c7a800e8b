import { describe, expect, it } from 'vitest';
import { readEnvironment } from './environment.ts';

describe('readEnvironment', () => {
  it('counts an empty variable as not set', () => {
    expect(readEnvironment({ ONECLI_API_URL: '', ONECLI_AGENT: '', NO_COLOR: '' })).toMatchObject({
      apiUrl: undefined,
      agent: undefined,
      isColorRefused: false,
    });
  });

  it('lists every fault by name and none by value', () => {
    const read = () => readEnvironment({ ONECLI_API_URL: 'http://user:hunter2@host', ONECLI_PROXY_URL: 'hunter3' });
    expect(read).toThrow(/ONECLI_API_URL[^]*ONECLI_PROXY_URL/);
    expect(read).not.toThrow(/hunter/);
  });
});
