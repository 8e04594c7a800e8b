import { Observable } from 'rxjs';

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
    const answer = await fetch('/api/me', { headers: clientHeaders });
    if (!answer.ok) return this.#become({ phase: 'signed-out', user: '' });
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
      // What is on the page belongs to another user.
      if (this.#state.phase === 'expired' && earlier !== user) window.location.reload();
      this.#become({ phase: 'signed-in', user });
      return undefined;
    }
    if (answer.status === 429) {
      return `Too many failed logins. Try again in ${answer.headers.get('Retry-After') ?? '60'} seconds.`;
    }
    return answer.status === 401 ? 'User or password is wrong.' : `The login failed (${answer.status}).`;
  }

  async signOut(): Promise<void> {
    await fetch('/api/logout', { method: 'POST', headers: clientHeaders });
    // All that this page knows goes with it.
    window.location.assign('/');
  }

  /** A call was refused for want of a login: the page stays as it is, and asks for one over it. */
  expire(): void {
    if (this.#state.phase === 'signed-in') this.#become({ ...this.#state, phase: 'expired' });
  }

  /** Emits once when somebody is signed in again. */
  whenSignedIn(): Observable<void> {
    return new Observable((observer) => {
      const look = () => {
        if (this.#state.phase !== 'signed-in') return;
        observer.next();
        observer.complete();
      };
      const stop = this.subscribe(look);
      look();
      return stop;
    });
  }

  #become(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

export const session = new Session();
