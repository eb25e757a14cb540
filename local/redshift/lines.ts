/** Where the line that `from` stands in ends, without its carriage return, and where the next one begins. */
export function lineEnd(latin1: string, from: number): { readonly end: number; readonly next: number } {
  const feed = latin1.indexOf('\n', from)
  const stop = feed < 0 ? latin1.length : feed
  const end = stop > from && latin1[stop - 1] === '\r' ? stop - 1 : stop
  return { end, next: feed < 0 ? latin1.length : feed + 1 }
}

/** Where the text goes on behind so many lines. */
export function afterLines(latin1: string, count: number): number {
  let at = 0
  for (let line = 0; line < count && at < latin1.length; line += 1) at = lineEnd(latin1, at).next
  return at
}
