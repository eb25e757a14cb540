import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'

/** Life of a token of a listing (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html). */
const lifeMs = 300_000

/** Where a listing goes on. */
export interface ListingPlace {
  /** Name of the stream that is listed, `''` for a listing of streams. */
  readonly stream: string
  /** The last one that was listed. */
  readonly after: string
  /** What the listing is narrowed by, as its first call had it. */
  readonly filter?: unknown
}

/** Opaque to clients; `listing` keeps the tokens of one operation from another. */
export function encodeToken(listing: string, place: ListingPlace, clock: Clock): string {
  return Buffer.from(JSON.stringify({ ...place, listing, madeMs: clock.wallTime() })).toString('base64')
}

/** Undefined without a token. Throws for one that is not of this listing, and for one that is too old. */
export function decodeToken(listing: string, token: unknown, clock: Clock): ListingPlace | undefined {
  if (token === undefined || token === null) return undefined
  const { madeMs, stream, after, filter, ...rest } = parse(token)
  if (
    rest.listing !== listing ||
    typeof madeMs !== 'number' ||
    typeof stream !== 'string' ||
    typeof after !== 'string'
  ) {
    throw new AwsError('InvalidArgumentException', 'NextToken is invalid.')
  }
  if (clock.wallTime() - madeMs > lifeMs) {
    throw new AwsError('ExpiredNextTokenException', `NextToken is older than ${lifeMs} milliseconds.`)
  }
  return { stream, after, filter }
}

function parse(token: unknown): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(String(token), 'base64').toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
