import type { CopyFormat } from './copy-statement.ts'
import { afterLines, lineEnd } from './lines.ts'
import type { RawRow } from './rows.ts'

type DelimitedOptions = Extract<CopyFormat, { kind: 'delimited' }>

interface Line {
  readonly row: RawRow
  /** Where the next line begins. */
  readonly next: number
}

/**
 * Rows of lines whose fields a delimiter separates. With ESCAPE the character behind a backslash is part of the field;
 * with REMOVEQUOTES a field may stand in single or double quotes, within which the delimiter is one of its characters.
 */
export function* delimitedRows(latin1: string, options: DelimitedOptions): Generator<RawRow> {
  let at = afterLines(latin1, options.headerLines)
  while (at < latin1.length) {
    const { end, next } = lineEnd(latin1, at)
    if (end === at && options.ignoresBlankLines) {
      at = next
      continue
    }
    const line = readLine(latin1, at, options)
    yield line.row
    at = line.next
  }
}

function readLine(latin1: string, start: number, options: DelimitedOptions): Line {
  const { delimiter, escapes, removesQuotes, nullText } = options
  const fields: (string | null)[] = []
  let at = start
  let fault: string | undefined
  for (;;) {
    const fieldStart = at
    const quote = removesQuotes && (latin1[at] === '"' || latin1[at] === "'") ? latin1[at] : undefined
    let isQuoted = quote !== undefined
    let field = ''
    if (isQuoted) at += 1
    for (; !isLineEnd(latin1, at); at += 1) {
      const character = latin1[at]!
      if (escapes && character === '\\' && at + 1 < latin1.length) {
        at += 1
        field += latin1[at]
      } else if (isQuoted && character === quote) {
        isQuoted = false
      } else if (!isQuoted && character === delimiter) {
        break
      } else {
        if (quote !== undefined && !isQuoted) fault ??= 'text stands behind a quoted field'
        field += character
      }
    }
    if (isQuoted) fault ??= 'a quoted field does not end'
    fields.push(latin1.slice(fieldStart, at) === nullText ? null : field)
    if (isLineEnd(latin1, at)) break
    at += 1
  }
  return {
    row: fault === undefined ? { kind: 'row', fields } : { kind: 'fault', reason: fault },
    next: lineEnd(latin1, at).next
  }
}

/** A newline, or a carriage return before it, or nothing more. */
function isLineEnd(latin1: string, at: number): boolean {
  const character = latin1[at]
  if (character === '\r') return at + 1 === latin1.length || latin1[at + 1] === '\n'
  return character === undefined || character === '\n'
}
