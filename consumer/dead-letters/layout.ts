import type { DeadLetter } from '../../core/record-sink.ts'
import { MalformedDeadLetterError } from './errors.ts'

/** Where the payload of a dead letter lies that is too large for a message. */
export interface Claim {
  readonly bucket: string
  readonly key: string
}

/** All of a dead letter but its payload. */
export type DeadLetterSummary = Omit<DeadLetter, 'data'>

/** What one piece of JSON says: the payload itself, or where it is. */
export type ParsedDeadLetter =
  | { readonly letter: DeadLetter; readonly claim: undefined }
  | { readonly letter: DeadLetterSummary; readonly claim: Claim }

/**
 * The one layout, as a message in SQS and as an object in S3; docs/formats/dead-letters.md describes it. Exactly one
 * of `data` and `claim` is there.
 */
export interface StoredDeadLetter {
  readonly version: 1
  readonly streamName: string
  readonly shardId: string
  readonly sequenceNumber: string
  readonly subSequenceNumbers?: readonly number[]
  readonly partitionKey?: string
  /** ISO 8601. */
  readonly approximateArrivalTimestamp?: string
  readonly errorCode: string
  readonly attempts?: number
  /** Base64 of the Kinesis record's data as it was received. */
  readonly data?: string
  readonly claim?: Claim
}

const layoutVersion = 1
/** What SQS takes of Unicode ends before these, and a partition key may hold them. */
const beyondAscii = /[\u0080-\uffff]/g

/** The dead letter with its payload. */
export function encodeDeadLetter(letter: DeadLetter): string {
  return encode(letter, { data: Buffer.from(letter.data).toString('base64') })
}

/** The dead letter with the place of its payload, and without what may be long: the claim has that, too. */
export function encodeClaimed(letter: DeadLetter, claim: Claim): string {
  return encode({ ...letter, subSequenceNumbers: undefined }, { claim })
}

function encode(
  letter: DeadLetterSummary,
  payload: Pick<StoredDeadLetter, 'data'> | Pick<StoredDeadLetter, 'claim'>
): string {
  const { subSequenceNumbers, partitionKey, approximateArrivalTimestamp: arrival, attempts } = letter
  const stored: StoredDeadLetter = {
    version: layoutVersion,
    streamName: letter.streamName,
    shardId: letter.shardId,
    sequenceNumber: letter.sequenceNumber,
    ...(subSequenceNumbers === undefined ? {} : { subSequenceNumbers }),
    ...(partitionKey === undefined ? {} : { partitionKey }),
    ...(arrival === undefined ? {} : { approximateArrivalTimestamp: arrival.toISOString() }),
    errorCode: letter.errorCode,
    ...(attempts === undefined ? {} : { attempts }),
    ...payload
  }
  return JSON.stringify(stored).replace(
    beyondAscii,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}

/** @throws MalformedDeadLetterError naming the member that is wrong */
export function parseDeadLetter(text: string): ParsedDeadLetter {
  const stored = parseObject(text)
  if (stored.version !== layoutVersion) throw new MalformedDeadLetterError('version')
  const arrival = optional(stored.approximateArrivalTimestamp, 'approximateArrivalTimestamp', isDate)
  const attempts = optional(stored.attempts, 'attempts', isNatural)
  const letter: DeadLetterSummary = {
    streamName: required(stored.streamName, 'streamName', isText),
    shardId: required(stored.shardId, 'shardId', isText),
    sequenceNumber: required(stored.sequenceNumber, 'sequenceNumber', isText),
    subSequenceNumbers: optional(stored.subSequenceNumbers, 'subSequenceNumbers', isIndices),
    partitionKey: optional(stored.partitionKey, 'partitionKey', isText),
    approximateArrivalTimestamp: arrival === undefined ? undefined : new Date(arrival),
    errorCode: required(stored.errorCode, 'errorCode', isText),
    ...(attempts === undefined ? {} : { attempts })
  }
  if (stored.claim !== undefined) {
    if (stored.data !== undefined) throw new MalformedDeadLetterError('claim')
    return { letter, claim: required(stored.claim, 'claim', isClaim) }
  }
  const data = Buffer.from(required(stored.data, 'data', isBase64), 'base64')
  return { letter: { ...letter, data }, claim: undefined }
}

function parseObject(text: string): Readonly<Partial<Record<keyof StoredDeadLetter, unknown>>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Its message would quote the text.
  }
  throw new MalformedDeadLetterError('body')
}

function required<T>(value: unknown, member: string, is: (value: unknown) => value is T): T {
  if (is(value)) return value
  throw new MalformedDeadLetterError(member)
}

function optional<T>(value: unknown, member: string, is: (value: unknown) => value is T): T | undefined {
  return value === undefined ? undefined : required(value, member, is)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isDate(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

function isNatural(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

function isIndices(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every(isNatural)
}

function isBase64(value: unknown): value is string {
  return typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
}

function isClaim(value: unknown): value is Claim {
  if (typeof value !== 'object' || value === null) return false
  const { bucket, key } = value as Partial<Claim>
  return typeof bucket === 'string' && bucket !== '' && typeof key === 'string' && key !== ''
}
