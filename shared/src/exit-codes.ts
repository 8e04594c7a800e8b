/**
 * What a process of OneCLI ends with when it did not do what it was started for: a code means the same whichever process it is of,
 * for `onecli` ends with the code of the process that it starts. `wrong`: called wrongly, or its settings have faults.
 * `notEverywhere`: written, and not known to be in force at every worker. `taken`: another process has the port or the data folder,
 * and nothing was done.
 */
export const exitCodes = {
  fault: 1,
  wrong: 2,
  notEverywhere: 3,
  taken: 4,
} as const;
