import { AwsError } from './aws-error.ts'

/** How the bodies of a request and its answer are written. */
export interface BodyFormat {
  readonly contentType: string
  /** Blobs as base64 text, timestamps as epoch seconds. @throws {AwsError} SerializationException */
  readonly parse: (body: Buffer) => Readonly<Record<string, unknown>>
  readonly serialise: (body: object) => Buffer
}

export function jsonBody(contentType: string): BodyFormat {
  return {
    contentType,
    parse(body) {
      try {
        const parsed: unknown = JSON.parse(body.toString('utf8'))
        if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
          return parsed as Record<string, unknown>
        }
      } catch {
        // Told below: the parser's own words may quote the body.
      }
      throw new AwsError('SerializationException', 'body is not a JSON object')
    },
    serialise: body => Buffer.from(JSON.stringify(body))
  }
}
