import { endOfNesting } from '../json-nesting.ts'

/** A piece of text that should be a JSON object or array; `isWhole` is false for what does not end, or begins nothing. */
export interface JsonPiece {
  readonly text: string
  readonly isWhole: boolean
}

const blank = /[ \t\r\n]/

/**
 * Objects and arrays that stand one behind the other, with white space between them or nothing at all. Braces within
 * strings do not count. What begins neither goes on to the end of its line.
 */
export function* jsonObjects(text: string): Generator<JsonPiece> {
  let at = 0
  for (;;) {
    while (at < text.length && blank.test(text[at]!)) at += 1
    if (at === text.length) return
    const opens = text[at] === '{' || text[at] === '['
    const end = opens ? endOfNesting(text, at, '{[', '}]') : undefined
    const feed = opens ? -1 : text.indexOf('\n', at)
    const stop = end ?? (feed < 0 ? text.length : feed)
    yield { text: text.slice(at, stop), isWhole: end !== undefined }
    at = stop
  }
}
