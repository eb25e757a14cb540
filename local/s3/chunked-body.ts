import { AwsError } from '../aws-json.ts'

export interface DecodedBody {
  readonly bytes: Buffer
  /** Trailing headers, names in lower case. */
  readonly trailers: Readonly<Record<string, string>>
}

/*
 * `aws-chunked` content coding, which the SDK uses for bodies that are streams:
 *
 *   chunk    = size in hex, [";chunk-signature=" ...], CRLF, bytes, CRLF
 *   body     = chunk*, "0", [...], CRLF, trailer*, CRLF
 *   trailer  = name ":" value CRLF
 */

/**
 * Takes the framing off. Chunk signatures are not checked, as no signature is by these engines.
 * @throws {AwsError} IncompleteBody when the framing breaks off, or other bytes come out than `decodedLength` says
 */
export function decodeChunkedBody(body: Buffer, decodedLength?: string): DecodedBody {
  const parts: Buffer[] = []
  let at = 0
  const line = (): string => {
    const end = body.indexOf('\r\n', at)
    if (end < 0) throw incomplete()
    const text = body.toString('latin1', at, end)
    at = end + 2
    return text
  }
  for (;;) {
    const [, digits] = /^([0-9a-f]+)(?:;.*)?$/i.exec(line()) ?? []
    if (digits === undefined) throw incomplete()
    const size = Number.parseInt(digits, 16)
    if (at + size > body.length) throw incomplete()
    if (size === 0) break
    parts.push(body.subarray(at, at + size))
    at += size
    if (line() !== '') throw incomplete()
  }
  const trailers: Record<string, string> = {}
  while (at < body.length) {
    const text = line()
    if (text === '') break
    const colon = text.indexOf(':')
    if (colon > 0) trailers[text.slice(0, colon).toLowerCase()] = text.slice(colon + 1).trim()
  }
  const bytes = Buffer.concat(parts)
  if (decodedLength !== undefined && decodedLength !== String(bytes.length)) throw incomplete()
  return { bytes, trailers }
}

function incomplete(): AwsError {
  return new AwsError(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header'
  )
}
