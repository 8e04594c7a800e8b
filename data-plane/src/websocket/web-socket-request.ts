/** What a request that asks for a WebSocket hands to it, for as long as it is open. */
import type { Finding } from '@onecli/shared/domain/audit-event';
import type { UsedSecret } from '@onecli/shared/domain/grant-placeholders';
import type { PlacementScope } from '../credentials/placement-scope.ts';
import { isTextBound } from '../credentials/place-in-text.ts';
import type { DataPlane } from '../proxy/data-plane.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { labelsOf } from '../proxy/labels-of.ts';
import type { Withdrawal } from '../proxy/underway.ts';
import { withdrawnSecret } from '../credentials/withdrawn-secret.ts';
import { answerScrub } from '../proxy/scrub-answer.ts';
import type { AnswerScrub } from '../scrub/answer-scrub.ts';
import type { Configuration } from '../snapshot/configuration.ts';
import type { WebSocketUpgrade } from './upgrade.ts';

export interface WebSocketRequest {
  readonly upgrade: WebSocketUpgrade;
  /** Whether a secret that policy grants is bound to WebSocket text here: then messages are looked into. */
  readonly isTextReplaced: boolean;
  /** What is granted now, for what a message asks for. Undefined: see `whyNot`. */
  scope(): PlacementScope | undefined;
  /** Why the WebSocket may not go on, if it may not: policy does not allow it any more, or a secret that left on it. */
  whyNot(): WebSocketWithdrawal | undefined;
  onFinding(finding: Finding): void;
  /** What is to be taken out of what the upstream says, as things stand. */
  scrub(): AnswerScrub | undefined;
  /** Secrets leave in a message. */
  /** Has the trail keep that these secrets are about to leave with a message: false when it cannot. */
  mayLeave(used: readonly UsedSecret[]): boolean;
  onLeaving(used: readonly UsedSecret[]): void;
  /** Payload was taken from the agent. */
  onRequestBytes(bytes: number): void;
}

export type WebSocketWithdrawal = Withdrawal | 'PLACEHOLDER_NOT_GRANTED' | 'SECRET_EXPIRED' | 'SECRET_LEASE_EXPIRED';

const askEveryMs = 1000;

/**
 * @param scope what was granted to the request
 * @param leaving the secrets that leave with it
 * @param grantsNow policy's answer to the same request, asked again: the secrets, or why not
 */
export function webSocketRequest(
  plane: DataPlane,
  exchange: Exchange,
  upgrade: WebSocketUpgrade,
  scope: PlacementScope,
  leaving: readonly UsedSecret[],
  grantsNow: (configuration: Configuration) => ReadonlySet<string> | Withdrawal,
): WebSocketRequest {
  const { host, port, isSecure } = scope;
  const isTextReplaced = isTextBound(scope);
  let { configuration } = scope;
  let now: PlacementScope = scope;
  let whyNot: WebSocketWithdrawal | undefined;
  let askedMs = performance.now();
  const known = new Set<string>();
  let used = leaving;
  let scrub = answerScrub(plane.opener, used, exchange.findings);
  // A WebSocket may outlive many revisions, a rule's time and a secret's: all is asked again, and not for every message.
  const ask = (): WebSocketWithdrawal | undefined => {
    const { current = configuration } = plane.configuration;
    const nowMs = performance.now();
    if (current === configuration && nowMs - askedMs < askEveryMs) return whyNot;
    configuration = current;
    askedMs = nowMs;
    const grants = grantsNow(configuration);
    if (typeof grants === 'string') return (whyNot = grants);
    now = { configuration, grants, host, port, isSecure };
    return (whyNot = withdrawnSecret(used, now));
  };
  return {
    upgrade,
    isTextReplaced,
    scope: () => (ask() === undefined ? now : undefined),
    whyNot: ask,
    // It may repeat what it does without end: what is told of it is one of each kind.
    onFinding: (finding) => {
      if (known.has(finding.kind)) return;
      known.add(finding.kind);
      exchange.findings.push(finding);
    },
    scrub: () => scrub,
    mayLeave: (more) => exchange.intendNow(more),
    onLeaving: (more) => {
      exchange.leaving(labelsOf(more), ['websocket']);
      // Records are others under another configuration; a version keeps its number.
      const others = more.filter(
        ({ secret, version }) =>
          !used.some((known) => known.secret.id === secret.id && known.version.version === version.version),
      );
      if (others.length === 0) return;
      used = [...used, ...others];
      scrub = answerScrub(plane.opener, used, exchange.findings);
    },
    onRequestBytes: (bytes) => {
      if (exchange.body) exchange.body.bytes += bytes;
    },
  };
}
