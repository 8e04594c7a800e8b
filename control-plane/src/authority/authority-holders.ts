import type { EntityManager } from 'typeorm';

/** An agent with a certificate that is good until its authority is retired. */
export interface AuthorityHolder {
  readonly agent: string;
  /** When the last of them expires. */
  readonly expiresAt: Date;
  /** It was given one by a later authority since. */
  readonly isRenewed: boolean;
}

/** Who would lose what when a client authority is retired. */
export interface AuthorityHolders {
  /** So many at most, those without a newer certificate first. */
  readonly holders: readonly AuthorityHolder[];
  readonly holderCount: number;
  /** Certificates from before they were recorded may be good until then. */
  readonly unrecordedUntil: Date | null;
}

/** What an authority that issues no client certificates has. */
export const noHolders: AuthorityHolders = { holders: [], holderCount: 0, unrecordedUntil: null };
const maxHolders = 100;

/** The agents with unexpired certificates by a client authority. */
export async function holdersOf(manager: EntityManager, authorityId: string): Promise<AuthorityHolders> {
  const rows = await manager.query<{ agent: string; expires_at: Date; is_renewed: boolean; count: string }[]>(
    `SELECT g.name AS agent, max(c.expires_at) AS expires_at, count(*) OVER () AS count,
       EXISTS (SELECT FROM client_certificate n JOIN client_authority later ON later.id = n.authority_id
               WHERE n.agent_id = g.id AND n.expires_at > now() AND later.created_at > a.created_at) AS is_renewed
     FROM client_certificate c JOIN agent g ON g.id = c.agent_id JOIN client_authority a ON a.id = c.authority_id
     WHERE c.authority_id = $1 AND c.expires_at > now()
     GROUP BY g.id, a.id ORDER BY is_renewed, expires_at DESC, agent LIMIT ${maxHolders}`,
    [authorityId],
  );
  const [known] = await manager.query<{ until: Date | null }[]>(
    'SELECT unrecorded_until AS until FROM client_authority WHERE id = $1 AND unrecorded_until > now()',
    [authorityId],
  );
  return {
    holders: rows.map(({ agent, expires_at: expiresAt, is_renewed: isRenewed }) => ({ agent, expiresAt, isRenewed })),
    holderCount: Number(rows[0]?.count ?? 0),
    unrecordedUntil: known?.until ?? null,
  };
}
