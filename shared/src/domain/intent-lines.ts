import { type Intended, list, text, writeIntent } from './audit-entry.ts';

/** What the last intent of an agent said, and the text of it. */
interface Said {
  readonly agent: string | undefined;
  readonly rule: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly where: string;
  method: string;
  path: string;
  secrets: readonly string[];
  what: string;
}

/**
 * The lines of many intents, as `writeIntent` writes them. An agent does the same again and again: what its last intent said of rule,
 * host and path is kept as a text, which takes a third of the time of writing it anew.
 */
export class IntentLines {
  readonly #said = new Map<string, Said>();
  readonly #maxAgents: number;

  /** @param maxAgents bounds the memory: a path may be a slice of a head, and then keeps that */
  constructor(maxAgents = 256) {
    this.#maxAgents = maxAgents;
  }

  /** The line of an intent, without a line feed. */
  write(sequence: number, intended: Intended): string {
    const { agentId, timeMs, revision, requestId } = intended;
    if (agentId === undefined) return writeIntent(sequence, intended);
    const { where, what } = this.#sayOf(agentId, intended);
    return `[${sequence},"INTENT",null,${timeMs},${revision},${text(requestId)}${where}${what}`;
  }

  #sayOf(agentId: string, { agent, rule, host, port, method, path, secrets }: Intended): Said {
    const known = this.#said.get(agentId);
    if (known?.host === host && known.port === port && known.rule === rule && known.agent === agent) {
      if (known.path !== path || known.method !== method || !isSame(known.secrets, secrets)) {
        known.method = method;
        known.path = path;
        known.secrets = secrets;
        known.what = whatOf(method, path, secrets);
      }
      return known;
    }
    // `join` makes one text, where a template may keep its parts.
    const where = ['', text(agentId), text(agent), text(rule), text(host), String(port), ''].join(',');
    const said = { agent, rule, host, port, where, method, path, secrets, what: whatOf(method, path, secrets) };
    if (this.#said.size >= this.#maxAgents) this.#said.clear();
    this.#said.set(agentId, said);
    return said;
  }
}

function whatOf(method: string, path: string, secrets: readonly string[]): string {
  return [text(method), text(path), `${list(secrets)}]`].join(',');
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((each, index) => each === other[index]));
}
