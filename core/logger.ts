/** The part of a pino logger that sealstream uses. Payloads, keys and context values are never logged. */
export interface Logger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}

const nothing = (): void => {}

/** The default: silent. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
