import { type Clock, systemClock } from '../../core/clock.ts'
import type { EncryptionContext } from '../../core/record-transform.ts'
import { callService } from '../../core/service-errors.ts'
import type { KeyUse, KeyUseLog } from './key-uses.ts'

/** `LookupEvents` of CloudTrail, as a client of the SDK carries it out. */
export type LookUpEvents = (input: {
  readonly LookupAttributes: { AttributeKey: 'ResourceName'; AttributeValue: string }[]
  readonly StartTime: Date
  readonly EndTime: Date
  readonly MaxResults: number
  readonly NextToken?: string
}) => Promise<{
  readonly Events?: readonly { readonly EventId?: string; readonly CloudTrailEvent?: string }[]
  readonly NextToken?: string
}>

export interface CloudTrailOptions {
  readonly keyArn: string
  readonly lookUpEvents: LookUpEvents
  /** Milliseconds since 1970. Events come up to a quarter of an hour late, and are kept for 90 days. */
  readonly fromMs: number
  readonly toMs: number
  /** @default the system's clock */
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

const pageSize = 50
const maxPages = 400
/** Two calls a second are allowed: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html */
const betweenPagesMs = 550

/** What CloudTrail has of a key, for `proveKeyUses`. @throws ServiceError */
export async function keyUsesOfCloudTrail(options: CloudTrailOptions): Promise<KeyUseLog> {
  const { keyArn, lookUpEvents, fromMs, toMs, clock = systemClock, signal } = options
  const uses: KeyUse[] = []
  let unreadable = 0
  let next: string | undefined
  for (let pages = 0; ; pages += 1) {
    if (pages === maxPages) {
      return { fromMs, toMs, uses, gap: `more than ${maxPages * pageSize} events; take a shorter time` }
    }
    if (pages > 0) await clock.sleep(betweenPagesMs, signal)
    const token = next
    const { Events = [], NextToken } = await callService('cloudtrail', 'LookupEvents', () =>
      lookUpEvents({
        LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: keyArn }],
        StartTime: new Date(fromMs),
        EndTime: new Date(toMs),
        MaxResults: pageSize,
        ...(token === undefined ? {} : { NextToken: token })
      })
    )
    for (const { EventId = 'unknown', CloudTrailEvent = '' } of Events) {
      const event = parseEvent(EventId, CloudTrailEvent)
      if (event === undefined) unreadable += 1
      else if (event.source === 'kms.amazonaws.com') uses.push(event.use)
    }
    if (NextToken === undefined) break
    next = NextToken
  }
  return { fromMs, toMs, uses, gap: unreadable === 0 ? undefined : `${unreadable} events cannot be read` }
}

type Members = Readonly<Record<string, unknown>>

/** Undefined for what is no event. */
function parseEvent(id: string, text: string): { source: unknown; use: KeyUse } | undefined {
  let event: Members
  try {
    event = membersOf(JSON.parse(text))
  } catch {
    return undefined
  }
  const { eventName, eventSource, errorCode } = event
  if (typeof eventName !== 'string' || typeof eventSource !== 'string') return undefined
  const identity = membersOf(event.userIdentity)
  // A session's own ARN ends in its name: the role is who issued it.
  const issuer = membersOf(membersOf(identity.sessionContext).sessionIssuer)
  const principal = [issuer.arn, identity.arn, identity.invokedBy, identity.type].find(isText) ?? 'unknown'
  const pairs = membersOf(membersOf(event.requestParameters).encryptionContext)
  const context: EncryptionContext = Object.fromEntries(
    Object.entries(pairs).map(([name, value]) => [name, isText(value) ? value : ''])
  )
  return {
    source: eventSource,
    use: {
      id,
      principal,
      operation: eventName,
      context,
      contextNames: Object.keys(context).sort(),
      error: isText(errorCode) ? errorCode : undefined
    }
  }
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {}
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
