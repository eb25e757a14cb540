import { CopyError } from './errors.ts'

/** A piece of a COPY statement. Words are identifiers and keywords as they were written. */
export type CopyToken =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'quotedName'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'sign'; readonly text: string }

const pattern =
  /\s+|(?<word>[\p{L}\p{N}_$]+)|"(?<quotedName>(?:[^"]|"")*)"|'(?<text>(?:[^']|'')*)'|(?<sign>[().,;])/uy

/** @throws {CopyError} SyntaxError at a character that begins nothing, such as a quote that does not end */
export function copyTokens(statement: string): readonly CopyToken[] {
  const tokens: CopyToken[] = []
  pattern.lastIndex = 0
  while (pattern.lastIndex < statement.length) {
    const match = pattern.exec(statement)
    if (match === null) throw new CopyError('SyntaxError', 'the COPY statement cannot be read')
    const { word, quotedName, text, sign } = match.groups!
    if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else if (quotedName !== undefined)
      tokens.push({ kind: 'quotedName', text: quotedName.replaceAll('""', '"') })
    else if (text !== undefined) tokens.push({ kind: 'text', text: text.replaceAll("''", "'") })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
  }
  return tokens
}
