import type { HeaderLookup } from './validations/checksum.ts'

/** One request, its target taken apart and its body without any framing. */
export interface S3Request {
  /** Scheme, host and port that the caller used. */
  readonly origin: string
  readonly method: string
  /** Empty for the service itself. */
  readonly bucket: string
  /** Empty for a bucket. */
  readonly key: string
  readonly query: URLSearchParams
  /** Headers and trailers. */
  readonly header: HeaderLookup
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  /** Access key id out of the signature; undefined for an unsigned request. */
  readonly principal: string | undefined
}

export interface S3Response {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text is XML. */
  readonly body?: string | Buffer
}

export type S3Action = (request: S3Request) => Promise<S3Response>
