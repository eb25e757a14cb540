/** Exit codes of every command. */
export const ExitCode = {
  ok: 0,
  /** The ledger does not balance, or something failed. */
  failed: 1,
  /** Wrong usage, or bad input. */
  usage: 2,
  /** A service was unreachable, or denied the call. */
  unreachable: 3,
  /** An audit, a scan or a proof found something. */
  findings: 4,
  interrupted: 130
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** The command line, a configuration file or the input is wrong. The message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
