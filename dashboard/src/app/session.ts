/** Who is signed in. `undefined`: not known yet; `null`: nobody. */
type Listener = () => void;
export interface SessionState {
  readonly phase: 'looking' | 'signed-out' | 'signed-in' | 'expired';
  readonly user: string;
}

/** Sent with each call: then a refused login is answered without the browser's own password window. */
export const clientHeaders = { 'X-OneCLI-Client': 'dashboard' };

/** The login of this page. The cookie is the browser's, and no script reads it. */
export class Session {
  #state: SessionState = { phase: 'looking', user: '' };
  readonly #listeners = new Set<Listener>();

  get state(): SessionState {
    return this.#state;
  }

  readonly subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks who is signed in. */
  async look(): Promise<void> {
    const answer = await fetch('/api/me', { headers: clientHeaders }).catch(() => undefined);
    if (answer?.ok !== true) return this.#become({ phase: 'signed-out', user: '' });
    const { name } = (await answer.json()) as { name: string };
    this.#become({ phase: 'signed-in', user: name });
  }

  /** Signs in. Gives what is wrong, for a person to read, or undefined. */
  async signIn(user: string, password: string): Promise<string | undefined> {
    const answer = await fetch('/api/login', {
      method: 'POST',
      headers: { ...clientHeaders, 'Content-Type': 'application/json' },
      body: JSON.stringify({ user, password }),
    }).catch(() => undefined);
    if (answer === undefined) return 'The control plane does not answer. Is it running?';
    if (answer.ok) {
      const earlier = this.#state.user;
      if (this.#state.phase === 'expired' && earlier !== user) {
        // What is on the page, and what waits to be sent, belongs to another user: nothing of it goes out with this login.
        this.#become({ phase: 'looking', user: '' });
        window.location.reload();
        return undefined;
      }
      this.#become({ phase: 'signed-in', user });
      return undefined;
    }
    if (answer.status === 429) {
      return `Too many failed logins. Try again in ${answer.headers.get('Retry-After') ?? '60'} seconds.`;
    }
    return answer.status === 401 ? 'User or password is wrong.' : `The login failed (${answer.status}).`;
  }

  /** Sets a password by the code of an invitation or a reset. Gives what is wrong, for a person to read, or undefined. */
  async setPassword(token: string, password: string): Promise<string | undefined> {
    const answer = await fetch('/api/password', {
      method: 'POST',
      headers: { ...clientHeaders, 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, password }),
    }).catch(() => undefined);
    if (answer === undefined) return 'The control plane does not answer. Is it running?';
    if (answer.ok) return undefined;
    if (answer.status === 401) return 'The code is wrong, was used, or is over. Ask for another.';
    const { error } = (await answer.json().catch(() => ({}))) as { error?: { message?: string } };
    return error?.message ?? `The password was not set (${answer.status}).`;
  }

  /** Signs out. Gives what is wrong, for a person to read, or undefined. */
  async signOut(): Promise<string | undefined> {
    const answer = await fetch('/api/logout', { method: 'POST', headers: clientHeaders }).catch(() => undefined);
    // Without a login there is none to end.
    if (answer === undefined || (!answer.ok && answer.status !== 401)) {
      const what =
        answer === undefined ? 'The control plane does not answer' : `The control plane answered ${answer.status}`;
      return `${what}: you are still signed in. Try again, or remove this site's cookies.`;
    }
    // All that this page knows goes with it.
    window.location.assign('/');
    return undefined;
  }

  /** A call was refused for want of a login: the page stays as it is, and asks for one over it. */
  expire(): void {
    if (this.#state.phase === 'signed-in') this.#become({ ...this.#state, phase: 'expired' });
  }

  /** Waits until the user of this moment is signed in again. @throws when another is, who did not ask for what waits */
  whenSignedIn(): Promise<void> {
    const { user } = this.#state;
    return new Promise((resolve, reject) => {
      const look = () => {
        const { phase, user: current } = this.#state;
        if (phase === 'expired') return;
        stop();
        if (phase === 'signed-in' && current === user) resolve();
        else reject(new Error('Somebody else has signed in'));
      };
      const stop = this.subscribe(look);
      look();
    });
  }

  #become(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

export const session = new Session();
