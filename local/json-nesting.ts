// Where things end in JSON that is not parsed. Of bytes `toString('latin1')` gives a text with the same places.

/** Behind the quote that ends the string which begins at `start`; the end of the text when none does. */
export function endOfString(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return Math.min(at + 1, json.length)
}

/**
 * Behind the bracket that closes the one at `start`; undefined when there is none. Those within strings do not count,
 * nor others than `opening` and `closing`.
 */
export function endOfNesting(json: string, start: number, opening = '{', closing = '}'): number | undefined {
  let depth = 0
  for (let at = start; at < json.length; ) {
    const character = json[at]!
    if (character === '"') {
      at = endOfString(json, at)
      continue
    }
    if (opening.includes(character)) depth += 1
    else if (closing.includes(character)) depth -= 1
    at += 1
    if (depth === 0) return at
  }
  return undefined
}
