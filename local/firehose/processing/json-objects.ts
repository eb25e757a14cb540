const openBrace = 0x7b
const closeBrace = 0x7d
const quote = 0x22
const backslash = 0x5c
/** Space, tab, line feed, carriage return. */
const whitespace = [0x20, 0x09, 0x0a, 0x0d]

/**
 * JSON objects that stand one behind the other, with nothing or white space in between: the bytes of each. Undefined
 * when there is anything else. What is within an object is not parsed.
 */
export function jsonObjects(bytes: Buffer): readonly Buffer[] | undefined {
  const objects: Buffer[] = []
  let start = 0
  let depth = 0
  let isInText = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!
    if (isInText) {
      if (byte === backslash) at += 1
      else if (byte === quote) isInText = false
    } else if (byte === openBrace) {
      if (depth === 0) start = at
      depth += 1
    } else if (depth === 0) {
      if (!whitespace.includes(byte)) return undefined
    } else if (byte === quote) {
      isInText = true
    } else if (byte === closeBrace) {
      depth -= 1
      if (depth === 0) objects.push(bytes.subarray(start, at + 1))
    }
  }
  return depth === 0 ? objects : undefined
}
