const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const comma = 0x2c
const braceOpen = 0x7b
const braceClose = 0x7d
const bracketOpen = 0x5b
const bracketClose = 0x5d
/** Depth inside an entry: the request, its list, the entry. */
const entryDepth = 3

/**
 * @typedef {{ readonly partitionKey: string, readonly explicitHashKey: string | undefined }} ScannedEntry
 */

/**
 * What a PutRecords request in JSON says, but for the payloads. From quote to quote it walks by a search over raw
 * memory, so that a payload costs neither a copy nor a decoder: only short strings become strings.
 * @param {Buffer} body valid JSON; its members may come in any order and with any white space
 * @returns {{ readonly streamName: string, readonly entries: readonly ScannedEntry[] }}
 */
export function scanPutRecords(body) {
  /** @type {ScannedEntry[]} */
  const entries = []
  let streamName = ''
  /** @type {string | undefined} */
  let partitionKey
  /** @type {string | undefined} */
  let explicitHashKey
  let depth = 0
  let name = ''
  let stringAt = -1
  let stringEnd = -1
  for (let at = 0; at < body.length; at += 1) {
    switch (body[at]) {
      case quote:
        stringAt = at
        stringEnd = endOfString(body, at)
        at = stringEnd - 1
        if (name === 'PartitionKey') partitionKey = textOf(body, stringAt, stringEnd)
        else if (name === 'ExplicitHashKey') explicitHashKey = textOf(body, stringAt, stringEnd)
        else if (name === 'StreamName' && depth === 1) streamName = textOf(body, stringAt, stringEnd)
        break
      case colon:
        name = textOf(body, stringAt, stringEnd)
        break
      case comma:
        name = ''
        break
      case braceOpen:
      case bracketOpen:
        depth += 1
        name = ''
        break
      case braceClose:
        if (depth === entryDepth) {
          entries.push({ partitionKey: partitionKey ?? '', explicitHashKey })
          partitionKey = undefined
          explicitHashKey = undefined
        }
        depth -= 1
        break
      case bracketClose:
        depth -= 1
        break
    }
  }
  return { streamName, entries }
}

/**
 * @param {Buffer} body
 * @param {number} at of the opening quote
 * @returns {number} behind the closing quote
 */
function endOfString(body, at) {
  for (let from = at + 1; ; ) {
    const found = body.indexOf(quote, from)
    if (found < 0) throw new Error('a string does not end')
    let escapes = found - 1
    while (body[escapes] === backslash) escapes -= 1
    // An odd number of backslashes in front: the last of them belongs to the quote.
    if ((found - escapes) % 2 === 1) return found + 1
    from = found + 1
  }
}

/**
 * @param {Buffer} body
 * @param {number} from
 * @param {number} to
 * @returns {string}
 */
function textOf(body, from, to) {
  return JSON.parse(body.toString('utf8', from, to))
}
