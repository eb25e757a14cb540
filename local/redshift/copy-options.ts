import type { CopyFormat, CopyStatement } from './copy-statement.ts'
import type { CopyToken } from './copy-tokens.ts'
import { CopyError } from './errors.ts'
import { parseS3Location } from './s3-location.ts'

type ReadOptions = Pick<CopyStatement, 'format' | 'isGzip' | 'values' | 'maxErrors'>

/** Options that take nothing. */
const flags = [
  'MANIFEST',
  'CSV',
  'ESCAPE',
  'REMOVEQUOTES',
  'GZIP',
  'IGNOREBLANKLINES',
  'FILLRECORD',
  'EMPTYASNULL',
  'BLANKSASNULL',
  'TRUNCATECOLUMNS',
  'TRIMBLANKS',
  'ROUNDEC',
  'IGNOREALLERRORS'
]

/** Options that take a text, `AS` before it or not. */
const texts = ['JSON', 'QUOTE', 'DELIMITER', 'NULL', 'TIMEFORMAT', 'DATEFORMAT']

/** Options that take a number. */
const numbers = ['IGNOREHEADER', 'MAXERROR', 'COMPROWS']

/** Where data lies and by which right: told by the statement, and of no meaning to the stand-in. */
const ignoredTexts = [
  'REGION',
  'CREDENTIALS',
  'IAM_ROLE',
  'ACCESS_KEY_ID',
  'SECRET_ACCESS_KEY',
  'SESSION_TOKEN',
  'TOKEN'
]

/** How a table is stored and planned: its states may follow, and have no meaning to the stand-in. */
const ignoredStates: Readonly<Record<string, readonly string[]>> = {
  COMPUPDATE: ['PRESET', 'ON', 'OFF', 'TRUE', 'FALSE'],
  STATUPDATE: ['ON', 'OFF', 'TRUE', 'FALSE']
}

/** Options that a format excludes, by another option that chooses it. */
const exclusions: Readonly<Record<string, readonly string[]>> = {
  JSON: [
    'CSV',
    'QUOTE',
    'DELIMITER',
    'ESCAPE',
    'REMOVEQUOTES',
    'FILLRECORD',
    'IGNOREBLANKLINES',
    'IGNOREHEADER',
    'NULL'
  ],
  CSV: ['ESCAPE', 'REMOVEQUOTES'],
  MAXERROR: ['IGNOREALLERRORS']
}

/** Most that MAXERROR takes (COPY data load operations, Redshift developer guide). */
const mostErrors = 100_000

/** Reads what stands behind the source of a COPY statement: each option once, in any order. */
export class CopyOptionsReader {
  readonly #tokens: readonly CopyToken[]
  #at = 0
  readonly #given = new Map<string, string>()

  constructor(tokens: readonly CopyToken[]) {
    this.#tokens = tokens
  }

  /** @throws {CopyError} IncorrectCopyOptions */
  read(): ReadOptions {
    while (this.#at < this.#tokens.length) this.#readOption()
    const given = this.#given
    for (const [option, excluded] of Object.entries(exclusions)) {
      const other = given.has(option) ? excluded.find(name => given.has(name)) : undefined
      if (other !== undefined) throw incorrect(`${other} cannot be used with ${option}`)
    }
    if (given.has('QUOTE') && !given.has('CSV')) throw incorrect('QUOTE needs CSV')
    if (!given.has('MANIFEST')) throw incorrect('MANIFEST is missing')
    this.#number('COMPROWS')
    return {
      format: this.#format(),
      isGzip: given.has('GZIP'),
      values: {
        emptyAsNull: given.has('EMPTYASNULL'),
        blanksAsNull: given.has('BLANKSASNULL'),
        truncatesColumns: given.has('TRUNCATECOLUMNS'),
        trimsBlanks: given.has('TRIMBLANKS'),
        roundsDecimals: given.has('ROUNDEC'),
        timeFormat: given.get('TIMEFORMAT'),
        dateFormat: given.get('DATEFORMAT'),
        invalidCharacter: given.get('ACCEPTINVCHARS')
      },
      maxErrors: given.has('IGNOREALLERRORS')
        ? Number.POSITIVE_INFINITY
        : Math.max(1, this.#number('MAXERROR', mostErrors))
    }
  }

  #readOption(): void {
    const name = this.#word()
    if (name === 'FORMAT') {
      this.#skipWord('AS')
      const format = this.#word()
      if (format !== 'CSV' && format !== 'JSON') throw unknown(`FORMAT ${format}`)
      this.#take(format)
    } else if (name === 'WITH') {
      if (this.#word() !== 'CREDENTIALS') throw incorrect('WITH begins no option')
      this.#skipWord('AS')
      this.#text('CREDENTIALS')
    } else {
      this.#take(name)
    }
  }

  #take(name: string): void {
    if (this.#given.has(name)) throw incorrect(`${name} is there twice`)
    if (flags.includes(name)) {
      this.#given.set(name, '')
    } else if (texts.includes(name) || ignoredTexts.includes(name)) {
      this.#skipWord('AS')
      this.#given.set(name, this.#text(name))
    } else if (numbers.includes(name)) {
      this.#skipWord('AS')
      this.#given.set(name, this.#word())
    } else if (name === 'ACCEPTINVCHARS') {
      this.#skipWord('AS')
      const character = this.#tokens[this.#at]?.kind === 'text' ? this.#text(name) : '?'
      if (!isAscii(character)) throw incorrect('ACCEPTINVCHARS takes one ASCII character')
      this.#given.set(name, character)
    } else if (ignoredStates[name] !== undefined) {
      this.#given.set(name, '')
      for (const state of ignoredStates[name]) if (this.#skipWord(state)) break
    } else {
      throw unknown(name)
    }
  }

  #format(): CopyFormat {
    const given = this.#given
    const json = given.get('JSON')
    if (json !== undefined) {
      const fields = json === 'auto' || json === 'auto ignorecase' ? json : parseS3Location(json)
      if (fields === undefined) throw incorrect("JSON takes 'auto', 'auto ignorecase' or 's3://…'")
      return { kind: 'json', fields }
    }
    const isCsv = given.has('CSV')
    const nullText = given.get('NULL') ?? '\\N'
    const lines = {
      delimiter: character('DELIMITER', given.get('DELIMITER') ?? (isCsv ? ',' : '|')),
      headerLines: this.#number('IGNOREHEADER'),
      ignoresBlankLines: given.has('IGNOREBLANKLINES'),
      fillsRecords: given.has('FILLRECORD'),
      // The way to write a null character.
      nullText: nullText === '\\0' || nullText === '\\000' ? '\u0000' : nullText
    }
    if (!isCsv) {
      return {
        kind: 'delimited',
        escapes: given.has('ESCAPE'),
        removesQuotes: given.has('REMOVEQUOTES'),
        ...lines
      }
    }
    const quote = character('QUOTE', given.get('QUOTE') ?? '"')
    if (quote === lines.delimiter) throw incorrect('QUOTE and DELIMITER are the same')
    return { kind: 'csv', quote, ...lines }
  }

  #number(name: string, most = Number.MAX_SAFE_INTEGER): number {
    const text = this.#given.get(name) ?? '0'
    if (!/^\d+$/.test(text) || Number(text) > most) throw incorrect(`${name} takes a number up to ${most}`)
    return Number(text)
  }

  #word(): string {
    const token = this.#tokens[this.#at++]
    if (token?.kind !== 'word') throw incorrect('an option is missing, or has too many values')
    return token.text.toUpperCase()
  }

  #text(option: string): string {
    const token = this.#tokens[this.#at++]
    if (option === 'IAM_ROLE' && token?.kind === 'word' && token.text.toUpperCase() === 'DEFAULT') return ''
    if (token?.kind !== 'text') throw incorrect(`${option} takes a text in single quotes`)
    return token.text
  }

  #skipWord(word: string): boolean {
    const token = this.#tokens[this.#at]
    const isThere = token?.kind === 'word' && token.text.toUpperCase() === word
    if (isThere) this.#at += 1
    return isThere
  }
}

/** One ASCII character; a tab may be written `\t`, and any by its three octal digits. */
function character(option: string, text: string): string {
  const octal = /^\\([0-3]?[0-7]{1,2})$/.exec(text)
  const one =
    text === '\\t' ? '\t' : octal === null ? text : String.fromCharCode(Number.parseInt(octal[1]!, 8))
  if (!isAscii(one) || one === '\n' || one === '\r') {
    throw incorrect(`${option} takes one ASCII character`)
  }
  return one
}

function isAscii(text: string): boolean {
  return text.length === 1 && text > '\u0000' && text <= '\u007f'
}

function unknown(option: string): CopyError {
  return incorrect(`${option} is not implemented by the local engine`)
}

function incorrect(message: string): CopyError {
  return new CopyError('IncorrectCopyOptions', message)
}
