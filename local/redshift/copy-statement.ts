import { CopyOptionsReader } from './copy-options.ts'
import { type CopyToken, copyTokens } from './copy-tokens.ts'
import { CopyError } from './errors.ts'
import { parseS3Location, type S3Location } from './s3-location.ts'
import type { ValueOptions } from './values.ts'

/** How the bytes of an object become rows. */
export type CopyFormat =
  | { readonly kind: 'json'; readonly fields: 'auto' | 'auto ignorecase' | S3Location }
  | ({ readonly kind: 'csv'; readonly quote: string } & LineOptions)
  | ({ readonly kind: 'delimited'; readonly escapes: boolean; readonly removesQuotes: boolean } & LineOptions)

export interface LineOptions {
  readonly delimiter: string
  readonly headerLines: number
  readonly ignoresBlankLines: boolean
  /** Whether fields that are missing at the end of a row are filled in. */
  readonly fillsRecords: boolean
  /** A field that reads so is NULL. */
  readonly nullText: string
}

/** A COPY of Redshift from a manifest in S3. */
export interface CopyStatement {
  /** Schema, when there is one, and table, as PostgreSQL knows them. */
  readonly table: readonly string[]
  /** In order; undefined for those of the table. */
  readonly columns: readonly string[] | undefined
  readonly manifest: S3Location
  readonly format: CopyFormat
  readonly isGzip: boolean
  readonly values: ValueOptions
  /** The load fails with so many bad rows; `Infinity` never. At least 1. */
  readonly maxErrors: number
}

/**
 * Reads the text that Firehose sends: `COPY <table> [(<columns>)] FROM '<s3 url>' <options>`.
 *
 * @throws {CopyError} SyntaxError, or IncorrectCopyOptions for an option that the stand-in does not have
 */
export function parseCopyStatement(statement: string): CopyStatement {
  const tokens = copyTokens(statement)
  let at = 0
  const next = (): CopyToken | undefined => tokens[at++]
  const isSign = (sign: string): boolean => tokens[at]?.kind === 'sign' && tokens[at]!.text === sign
  const isWord = (word: string): boolean =>
    tokens[at]?.kind === 'word' && tokens[at]!.text.toUpperCase() === word
  const expect = (isThere: boolean): void => {
    if (!isThere) throw syntaxError()
    at += 1
  }
  const names = (separator: string): string[] => {
    const found = [nameOf(next())]
    while (isSign(separator)) {
      at += 1
      found.push(nameOf(next()))
    }
    return found
  }

  expect(isWord('COPY'))
  const table = names('.')
  let columns: string[] | undefined
  if (isSign('(')) {
    at += 1
    columns = names(',')
    expect(isSign(')'))
  }
  expect(isWord('FROM'))
  const source = next()
  const manifest = source?.kind === 'text' ? parseS3Location(source.text) : undefined
  if (manifest === undefined || table.length > 2) throw syntaxError()
  const last = tokens.at(-1)
  const end = last?.kind === 'sign' && last.text === ';' ? tokens.length - 1 : tokens.length
  return { table, columns, manifest, ...new CopyOptionsReader(tokens.slice(at, end)).read() }
}

/** Without quotes names are folded to lower case. */
function nameOf(token: CopyToken | undefined): string {
  if (token?.kind === 'quotedName') return token.text
  if (token?.kind === 'word') return token.text.toLowerCase()
  throw syntaxError()
}

function syntaxError(): CopyError {
  return new CopyError('SyntaxError', "the statement is not COPY table (columns) FROM 's3://…'")
}
