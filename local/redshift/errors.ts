/** Codes of a failed COPY as Firehose reports them, without `Redshift.` before them. */
export const copyErrorCodes = [
  'TableNotFound',
  'SyntaxError',
  'AuthenticationFailed',
  'AccessDenied',
  'S3BucketAccessDenied',
  'DataLoadFailed',
  'ColumnNotFound',
  'DatabaseNotFound',
  'IncorrectCopyOptions',
  'MissingColumn',
  'ConnectionFailed',
  'ColumnMismatch',
  'IncorrectOrMissingRegion',
  'IncorrectJsonPathsFile',
  'MissingS3File',
  'InsufficientPrivilege',
  'ReadOnlyCluster',
  'DiskFull',
  'InternalError'
] as const
export type CopyErrorCode = (typeof copyErrorCodes)[number]

/** A COPY that failed, or whose answer was lost. The message holds no data. */
export class CopyError extends Error {
  readonly code: CopyErrorCode

  constructor(code: CopyErrorCode, message: string) {
    super(message)
    this.name = 'CopyError'
    this.code = code
  }
}

const states: Readonly<Record<string, CopyErrorCode>> = {
  '42P01': 'TableNotFound',
  '3F000': 'TableNotFound',
  '42703': 'ColumnNotFound',
  '28P01': 'AuthenticationFailed',
  '28000': 'AuthenticationFailed',
  '3D000': 'DatabaseNotFound',
  '42601': 'SyntaxError',
  '42501': 'InsufficientPrivilege',
  '23502': 'MissingColumn',
  '25006': 'ReadOnlyCluster',
  '53100': 'DiskFull'
}

/** By the first two characters, where the whole is not listed. */
const stateClasses: Readonly<Record<string, CopyErrorCode>> = {
  '08': 'ConnectionFailed',
  '22': 'DataLoadFailed',
  '23': 'DataLoadFailed',
  // The server is shut down, or starts.
  '57': 'ConnectionFailed'
}

/** What PostgreSQL, or the way to it, reports. Its own message is left out, because it quotes values. */
export function toCopyError(error: unknown): CopyError {
  if (error instanceof CopyError) return error
  const given = (error as { code?: unknown } | null)?.code
  // That of an abort is a number, which says nothing to anybody.
  const code = typeof given === 'string' ? given : ''
  if (!/^(?=.*\d)[0-9A-Z]{5}$/.test(code)) {
    return new CopyError(
      'ConnectionFailed',
      `the connection to the database failed${code && ` with ${code}`}`
    )
  }
  const known = states[code] ?? stateClasses[code.slice(0, 2)] ?? 'InternalError'
  return new CopyError(known, `the database answered with SQLSTATE ${code}`)
}

/** Whether the error is one of a row: others may still be loaded. */
export function isRowError(error: unknown): boolean {
  return /^2[23]/.test(String((error as { code?: unknown } | null)?.code ?? ''))
}
