import type { ReceiverRequest, ReceiverResponse } from '../receiver.ts'
import { SearchError } from './errors.ts'

/** Answers one request; `names` are the variable parts of its path, decoded, in their order. */
export type SearchAction = (request: ReceiverRequest, ...names: string[]) => ReceiverResponse

/** The JSON body of a request; undefined when there is none. @throws {SearchError} 400 when it is no JSON object */
export function jsonBody(request: ReceiverRequest): Readonly<Record<string, unknown>> | undefined {
  if (request.body.length === 0) return undefined
  const parsed = parseObject(request.body.toString('utf8'))
  if (parsed === undefined) throw new SearchError(400, 'parse_exception', 'request body is not a JSON object')
  return parsed
}

/** undefined when `text` is not a JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
