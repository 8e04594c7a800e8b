import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Session } from './session.ts';

const page = { reload: vi.fn(), assign: vi.fn() };
let answer: (path: string) => Promise<Response>;

beforeEach(() => {
  answer = (path) => Promise.resolve(Response.json(path === '/api/me' ? { name: 'alice' } : {}));
  vi.stubGlobal('window', { location: page });
  vi.stubGlobal('fetch', (path: string) => answer(path));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

async function expired(): Promise<Session> {
  const session = new Session();
  await session.look();
  session.expire();
  return session;
}

describe('what waits for a login', () => {
  it('goes on when the same user has signed in again', async () => {
    const session = await expired();
    const waiting = session.whenSignedIn();
    expect(await session.signIn('alice', 'right')).toBeUndefined();
    await expect(waiting).resolves.toBeUndefined();
    expect(page.reload).not.toHaveBeenCalled();
  });

  it('never goes out with the login of another user, however long the page takes to load anew', async () => {
    const session = await expired();
    const waiting = session.whenSignedIn();
    const [outcome] = await Promise.all([
      waiting.then(
        () => 'sent',
        () => 'refused',
      ),
      session.signIn('bob', 'right'),
    ]);
    expect(outcome).toBe('refused');
    expect(page.reload).toHaveBeenCalledOnce();
    expect(session.state).toEqual({ phase: 'looking', user: '' });
    await expect(session.whenSignedIn()).rejects.toThrow('Somebody else');
  });

  it('waits on while a login fails', async () => {
    const session = await expired();
    let isOver = false;
    void session.whenSignedIn().then(() => (isOver = true));
    answer = () => Promise.resolve(new Response(null, { status: 401 }));
    expect(await session.signIn('bob', 'wrong')).toContain('wrong');
    expect(isOver).toBe(false);
    expect(session.state.phase).toBe('expired');
  });
});

describe('signing out', () => {
  it.each([
    ['an answer', 204],
    ['no login that was left', 401],
  ])('leaves the page after %s', async (_name, status) => {
    answer = () => Promise.resolve(new Response(null, { status }));
    expect(await new Session().signOut()).toBeUndefined();
    expect(page.assign).toHaveBeenCalledWith('/');
  });

  it('tells of an answer that says no, or none, and stays', async () => {
    answer = () => Promise.resolve(new Response(null, { status: 503 }));
    expect(await new Session().signOut()).toContain('answered 503: you are still signed in');
    answer = () => Promise.reject(new TypeError('fetch failed'));
    expect(await new Session().signOut()).toContain('does not answer: you are still signed in');
    expect(page.assign).not.toHaveBeenCalled();
  });
});
