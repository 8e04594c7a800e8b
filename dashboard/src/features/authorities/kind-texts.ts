import type { AuthorityKind, AuthorityState } from '../../gql/graphql.ts';

interface KindTexts {
  /** How it is called where one of the kinds is chosen. */
  readonly name: string;
  readonly about: string;
  readonly overlapHours: number;
  readonly overlap: string;
  readonly rotate: string;
  readonly activate: string;
  readonly early: string;
  readonly states: Readonly<Record<AuthorityState, string>>;
}

/** What the steps from one authority to the next mean, by what the authority is for. */
export const kindTexts: Readonly<Record<AuthorityKind, KindTexts>> = {
  GATEWAY: {
    name: 'For hosts',
    about:
      'Agents have to trust it, because OneCLI looks into their TLS. To rotate: make the next one, give agents the time to learn it, activate it, retire the one before. Nothing is interrupted.',
    overlapHours: 168,
    overlap: 'When it is over the next one signs by itself. As long as your longest agent runs; 168 is a week',
    rotate: 'Agents are given both to trust from now on; the one of now goes on signing.',
    activate: 'Workers sign with it from now on. The one before stays trusted until it is retired.',
    early: 'Agents that began before the rotation do not trust it: their calls fail until they are started anew',
    states: {
      ACTIVE: 'Active: it signs',
      NEXT: 'Next: agents learn to trust it',
      PREVIOUS: 'Previous: trusted, signs nothing',
    },
  },
  CLIENT: {
    name: 'For client certificates',
    about:
      'It issues the client certificates of agents, and workers trust those. To rotate: make the next one, which signs as soon as every worker trusts it; issue new certificates for the agents that have one by the one before; retire that.',
    overlapHours: 0,
    overlap: 'When it is over, and every live worker trusts the next one, that signs by itself. 0 is enough',
    rotate: 'Workers trust client certificates of both from now on; the one of now goes on issuing.',
    activate: 'New client certificates are by it from now on. Those by the one before stay good until it is retired.',
    early: 'Nobody loses anything by it: every live worker trusts the next one before it signs',
    states: {
      ACTIVE: 'Active: it issues',
      NEXT: 'Next: workers learn to trust it',
      PREVIOUS: 'Previous: trusted, issues nothing',
    },
  },
};
