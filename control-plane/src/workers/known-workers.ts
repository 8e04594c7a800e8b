/** SQL over a row `w` of the table `worker`. */

/** Since a moment more of its trail came than it reported: it runs, without the database or refused by it. `since` is null before it was forgotten. */
export const auditedSince = (since: string): string =>
  `EXISTS (SELECT FROM audit_boot b WHERE b.worker = w.name AND b.ended_at IS NULL AND b.updated_at > greatest(w.seen_at, ${since}))`;

/** Nobody said that it is gone, or it has been heard of since. */
export const isKnown = `(w.forgotten_report IS DISTINCT FROM w.seen_at OR ${auditedSince('w.forgotten_at')})`;
