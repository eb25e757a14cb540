import type { CopyFormat } from './copy-statement.ts'
import { afterLines, lineEnd } from './lines.ts'
import type { RawRow } from './rows.ts'

type CsvOptions = Extract<CopyFormat, { kind: 'csv' }>

/**
 * Rows of comma-separated values. A quoted field may hold the delimiter and line ends, and its quote doubled; white
 * space around it does not count.
 */
export function* csvRows(latin1: string, options: CsvOptions): Generator<RawRow> {
  const { delimiter, quote, nullText, ignoresBlankLines } = options
  let at = afterLines(latin1, options.headerLines)
  while (at < latin1.length) {
    const { end: firstEnd, next: firstNext } = lineEnd(latin1, at)
    if (firstEnd === at && ignoresBlankLines) {
      at = firstNext
      continue
    }
    const fields: string[] = []
    let fault: string | undefined
    for (let isRow = true; isRow; ) {
      const start = skipBlanks(latin1, at, delimiter)
      if (latin1[start] === quote) {
        const closing = closingQuote(latin1, start + 1, quote)
        if (closing === undefined) {
          yield { kind: 'fault', reason: 'a quoted field does not end' }
          return
        }
        fields.push(latin1.slice(start + 1, closing).replaceAll(quote + quote, quote))
        at = skipBlanks(latin1, closing + 1, delimiter)
      } else {
        let end = at
        while (end < latin1.length && latin1[end] !== delimiter && latin1[end] !== '\n') end += 1
        const isLast = latin1[end] !== delimiter
        const field = latin1.slice(at, isLast && latin1[end - 1] === '\r' && end > at ? end - 1 : end)
        if (field.includes(quote)) fault ??= 'a quote stands within a field'
        fields.push(field)
        at = end
      }
      if (latin1[at] === delimiter) {
        at += 1
        continue
      }
      const { end, next } = lineEnd(latin1, at)
      if (end > at) fault ??= 'text stands behind a quoted field'
      at = next
      isRow = false
    }
    if (fault === undefined) {
      yield { kind: 'row', fields: fields.map(field => (field === nullText ? null : field)) }
    } else {
      yield { kind: 'fault', reason: fault }
    }
  }
}

/** Where the first quote stands that is not doubled; undefined when there is none. */
function closingQuote(latin1: string, from: number, quote: string): number | undefined {
  for (let at = latin1.indexOf(quote, from); at >= 0; at = latin1.indexOf(quote, at + 2)) {
    if (latin1[at + 1] !== quote) return at
  }
  return undefined
}

function skipBlanks(latin1: string, from: number, delimiter: string): number {
  let at = from
  while ((latin1[at] === ' ' || latin1[at] === '\t') && latin1[at] !== delimiter) at += 1
  return at
}
