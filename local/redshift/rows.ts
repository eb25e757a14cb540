/** A row as its format reads it, or why it cannot be read. Fields are bytes as latin1 text until they are decoded. */
export type RawRow =
  | { readonly kind: 'row'; readonly fields: readonly (string | null)[] }
  | { readonly kind: 'fault'; readonly reason: string }

/** A row that cannot be loaded. The message holds no data. */
export class RowFault extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'RowFault'
  }
}

/** Largest row and JSON object, in bytes (Redshift developer guide, COPY). */
export const maxRowBytes = 4 * 1024 * 1024
