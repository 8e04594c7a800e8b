import { isPlainName, isSecretName } from '@onecli/shared/domain/names';
import { Fault, type FaultCode } from '@onecli/shared/fault';
import type { Logger } from 'pino';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { DataSource } from 'typeorm';
import { Refusal } from '../authorize.ts';
import { nameOf as callerName } from '../few-at-once.ts';
import { isOfLogin, type LoginRefusal } from '../passwords/password-login.ts';
import type { Principal } from '../principal.ts';
import { placeOf } from '../sessions/login-limiter.ts';
import { insertRefused, type RefusedAct } from './admin-event-store.ts';

/** The faults that say no to somebody, not to what he sent. */
const refusals: ReadonlySet<FaultCode> = new Set<FaultCode>(['FORBIDDEN', 'UNAUTHENTICATED', 'TOO_MANY_LOGINS']);
/** Of one principal, with all his keys, or of nobody from one address, in a minute: who is refused all the time fills no disk. */
const eventsPerMinute = 240;
/** Of nobody from all addresses together, in a minute. It keeps no event of a principal out. */
const ofNobodyPerMinute = 1200;

/** A call that was refused. */
export interface RefusedCall {
  readonly principal: Principal | undefined;
  readonly address: string;
  readonly requestId: string;
  /** What was called, where the fault does not name an action: `POST /api/agents`, `mutation deleteAgent`. */
  readonly call: string;
  /** The name of the object, as it was sent. */
  readonly objectName: unknown;
}

/** Records every refused try. */
export class RefusalRecord {
  readonly #database: DataSource;
  readonly #log: Logger;
  readonly #perCaller = new RateLimiterMemory({ points: eventsPerMinute, duration: 60 });
  readonly #ofNobody = new RateLimiterMemory({ points: ofNobodyPerMinute, duration: 60 });

  constructor(database: DataSource, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  /** Writes an event when a fault is a refusal. It never throws: an event that cannot be written is logged. */
  async note(fault: unknown, call: RefusedCall): Promise<void> {
    if (!(fault instanceof Fault) || !refusals.has(fault.code)) return;
    const act = actOf(fault, call);
    const { requestId } = act;
    try {
      if (await this.#isWithinBounds(call)) await insertRefused(this.#database.manager, act);
    } catch (error) {
      this.#log.error({ err: error, requestId }, 'a refused try could not be recorded');
    }
  }

  async #isWithinBounds({ principal, address, requestId }: RefusedCall): Promise<boolean> {
    const caller = principal === undefined ? placeOf(address) : callerName(principal);
    const { consumedPoints } = await this.#perCaller.penalty(caller);
    if (consumedPoints === eventsPerMinute + 1)
      this.#log.warn({ requestId }, 'refused tries of one caller are not recorded for the rest of a minute');
    if (consumedPoints > eventsPerMinute) return false;
    if (principal !== undefined) return true;
    const { consumedPoints: ofNobody } = await this.#ofNobody.penalty('');
    if (ofNobody === ofNobodyPerMinute + 1)
      this.#log.warn({ requestId }, 'refused tries without a login are not recorded for the rest of a minute');
    return ofNobody <= ofNobodyPerMinute;
  }
}

function actOf(fault: Fault, { principal, address, requestId, call, objectName }: RefusedCall): RefusedAct {
  const common = { principal, address, requestId, reason: fault.code };
  if (fault instanceof Refusal) {
    const objectKind = kindOf(fault.action);
    return { ...common, action: fault.action, objectKind, objectName: nameOf(objectKind, objectName) };
  }
  if (isOfLogin(fault))
    return { ...common, action: 'login', objectKind: 'user', objectName: (fault as LoginRefusal).user ?? '' };
  return { ...common, action: call, objectKind: '', objectName: '' };
}

/** `secret:update` is of a secret, `own:api-key` of an API key. */
function kindOf(action: string): string {
  const [noun = '', verb = ''] = action.split(':');
  return noun === 'own' ? verb : noun;
}

/** What was sent in place of a name may be anything, a pasted key among it: only what has a name's form is told. */
function nameOf(kind: string, name: unknown): string {
  if (typeof name !== 'string') return '';
  const isName = kind === 'secret' ? isSecretName : kind === 'user' ? isUserName : isPlainName;
  return isName(name) ? name : '';
}

function isUserName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/.test(name);
}
