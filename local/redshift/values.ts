import { convertDate, convertTimestamp } from './datetimes.ts'
import { RowFault } from './rows.ts'

/** A column of the table that is loaded. */
export interface Column {
  readonly name: string
  /** PostgreSQL's own name of the type, such as `varchar`, `bpchar`, `numeric`, `timestamptz`. */
  readonly type: string
  /** Width of a character column; undefined without one. Redshift counts bytes, PostgreSQL characters. */
  readonly maxBytes: number | undefined
  /** Digits behind the point of a numeric column; undefined without a bound. */
  readonly scale: number | undefined
}

export interface ValueOptions {
  readonly emptyAsNull: boolean
  readonly blanksAsNull: boolean
  readonly truncatesColumns: boolean
  readonly trimsBlanks: boolean
  readonly roundsDecimals: boolean
  /** undefined for `YYYY-MM-DD HH:MI:SS`, with an offset for columns that have a time zone. */
  readonly timeFormat: string | undefined
  /** undefined for `YYYY-MM-DD`. */
  readonly dateFormat: string | undefined
  /** Stands for every byte that is no UTF-8; undefined when such a byte is a fault. */
  readonly invalidCharacter: string | undefined
}

const characterTypes = ['varchar', 'bpchar', 'text']

/**
 * A field as PostgreSQL takes it, by the rules of Redshift's COPY; null for NULL.
 *
 * @throws {RowFault} when the column cannot hold it, as far as PostgreSQL would not find out
 */
export function convertValue(field: string | null, column: Column, options: ValueOptions): string | null {
  if (field === null) return null
  // PostgreSQL has no place for it.
  const text = field.replaceAll('\u0000', '')
  if (characterTypes.includes(column.type)) return convertCharacters(text, column, options)
  if (text === '') return null
  switch (column.type) {
    case 'numeric':
      return options.roundsDecimals ? text : cutDecimals(text, column.scale)
    case 'date':
      return convertDate(text, options.dateFormat)
    case 'timestamp':
    case 'timestamptz':
      return convertTimestamp(text, options.timeFormat, column.type === 'timestamptz')
    default:
      return text
  }
}

function convertCharacters(given: string, { type, maxBytes }: Column, options: ValueOptions): string | null {
  if (given === '' && options.emptyAsNull) return null
  if (given !== '' && options.blanksAsNull && /^\s+$/.test(given)) return null
  const text = options.trimsBlanks && type !== 'bpchar' ? given.trimEnd() : given
  // Blanks at the end of a CHAR have no meaning.
  const counted = type === 'bpchar' ? text.replace(/ +$/, '') : text
  if (maxBytes === undefined || Buffer.byteLength(counted) <= maxBytes) return counted
  if (!options.truncatesColumns) throw new RowFault('a text is longer than its column')
  return cutBytes(counted, maxBytes)
}

/** As many whole characters as fit. */
function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  let end = maxBytes
  // Bytes that continue a character begin with the bits 10.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

/** PostgreSQL rounds what is too much; COPY leaves it off. */
function cutDecimals(text: string, scale: number | undefined): string {
  const match = /^\s*([+-]?)(\d*)\.(\d*)\s*$/.exec(text)
  if (match === null || scale === undefined) return text
  const [, sign, digits, decimals] = match
  return `${sign}${digits || '0'}.${decimals!.slice(0, scale)}`
}
