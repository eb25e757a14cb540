import { endOfNesting } from '../../json-nesting.ts'

const whitespace = ' \t\n\r'

/**
 * JSON objects that stand one behind the other, with nothing or white space in between: the bytes of each. Undefined
 * when there is anything else. What is within an object is not parsed.
 */
export function jsonObjects(bytes: Buffer): readonly Buffer[] | undefined {
  const json = bytes.toString('latin1')
  const objects: Buffer[] = []
  for (let at = 0; at < json.length; ) {
    if (whitespace.includes(json[at]!)) {
      at += 1
      continue
    }
    const end = json[at] === '{' ? endOfNesting(json, at) : undefined
    if (end === undefined) return undefined
    objects.push(bytes.subarray(at, end))
    at = end
  }
  return objects
}
