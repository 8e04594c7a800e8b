/** The revision that last wrote a row: a bigint in the table, a number here. */
export const revisionColumn = {
  type: 'bigint',
  transformer: { to: (revision: number) => revision, from: Number },
} as const;
