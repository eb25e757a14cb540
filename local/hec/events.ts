import { endOfNesting, endOfString } from '../json-nesting.ts'
import { HecError, replies } from './replies.ts'

/** What a request says about one event; members that it leaves out are undefined. */
export interface ParsedEvent {
  readonly event: unknown
  readonly time?: unknown
  readonly host?: unknown
  readonly source?: unknown
  readonly sourcetype?: unknown
  readonly index?: unknown
  readonly fields?: unknown
}

/**
 * JSON objects one after the other, with nothing or white space between them. One that is wrong fails all of them.
 * @throws {HecError} code 5, 6, 12 or 13, with the place of the event that is wrong
 */
export function parseEvents(body: Buffer): readonly ParsedEvent[] {
  const texts = splitObjects(body.toString('utf8'))
  if (texts.length === 0) throw new HecError(replies.noData)
  return texts.map((text, number) => {
    const wrong = { 'invalid-event-number': number }
    let parsed: ParsedEvent
    try {
      parsed = JSON.parse(text) as ParsedEvent
    } catch {
      throw new HecError(replies.invalidDataFormat, wrong)
    }
    if (typeof parsed !== 'object' || parsed === null) throw new HecError(replies.invalidDataFormat, wrong)
    if (parsed.event === undefined || parsed.event === null) throw new HecError(replies.eventRequired, wrong)
    if (parsed.event === '') throw new HecError(replies.eventBlank, wrong)
    return parsed
  })
}

/** Each line is an event. @throws {HecError} code 5 when there is none */
export function parseRaw(body: Buffer): readonly ParsedEvent[] {
  const lines = body
    .toString('utf8')
    .split(/\r?\n/)
    .filter(line => line !== '')
  if (lines.length === 0) throw new HecError(replies.noData)
  return lines.map(event => ({ event }))
}

/** Texts of the objects; what belongs to none of them comes as a text of its own, which is then no JSON. */
function splitObjects(text: string): readonly string[] {
  const found: string[] = []
  let start = 0
  for (let at = 0; at < text.length; ) {
    if (text[at] === '"') {
      at = endOfString(text, at)
      continue
    }
    const isEnd = text[at] === '{' || text[at] === '}'
    at = text[at] === '{' ? (endOfNesting(text, at) ?? text.length) : at + 1
    if (!isEnd) continue
    found.push(text.slice(start, at))
    start = at
  }
  found.push(text.slice(start))
  return found.filter(part => part.trim() !== '')
}
