import { AwsError } from '../../aws-json.ts'

/** Numbers that can be set: lowest, highest, default; in seconds, the size in bytes. */
const numbers = {
  DelaySeconds: [0, 900, 0],
  MaximumMessageSize: [1_024, 1_048_576, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600, 345_600],
  ReceiveMessageWaitTimeSeconds: [0, 20, 0],
  VisibilityTimeout: [0, 43_200, 30],
  KmsDataKeyReusePeriodSeconds: [60, 86_400, 300]
} as const
export type NumberAttribute = keyof typeof numbers

const others = [
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'SqsManagedSseEnabled'
] as const
const jsonAttributes: readonly string[] = ['Policy', 'RedrivePolicy', 'RedriveAllowPolicy']
const readOnly = [
  'QueueArn',
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
  'CreatedTimestamp',
  'LastModifiedTimestamp'
] as const

/** Value of a number attribute, with its default. */
export function secondsOf(attributes: ReadonlyMap<string, string>, name: NumberAttribute): number {
  return Number(attributes.get(name) ?? numbers[name][2])
}

/** Every attribute that a queue is described with, but those that are counted. */
export function settingsOf(attributes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  for (const [name, [, , byDefault]] of Object.entries(numbers)) {
    if (name !== 'KmsDataKeyReusePeriodSeconds' || attributes.has('KmsMasterKeyId')) {
      settings.set(name, attributes.get(name) ?? String(byDefault))
    }
  }
  for (const name of others) {
    const value = attributes.get(name)
    if (value !== undefined && value !== '') settings.set(name, value)
  }
  // SSE-SQS is on by itself unless a KMS key is named.
  const isManaged = attributes.get('SqsManagedSseEnabled') ?? String(!settings.has('KmsMasterKeyId'))
  return settings.set('SqsManagedSseEnabled', isManaged)
}

/**
 * `current` with `changes` made; an empty text takes an attribute away.
 * @throws AwsError InvalidAttributeName, InvalidAttributeValue
 */
export function withAttributes(
  current: ReadonlyMap<string, string>,
  changes: unknown
): ReadonlyMap<string, string> {
  const merged = new Map(current)
  const given = Object.entries((changes ?? {}) as Record<string, unknown>)
  for (const [name, value] of given) {
    const text = String(value)
    checkAttribute(name, text)
    if (text === '') merged.delete(name)
    else merged.set(name, text)
  }
  const names = given.map(([name]) => name)
  if (merged.get('SqsManagedSseEnabled') === 'true' && merged.has('KmsMasterKeyId')) {
    if (names.includes('SqsManagedSseEnabled') && names.includes('KmsMasterKeyId')) {
      throw invalidValue(
        'SqsManagedSseEnabled',
        'You can use one type of server-side encryption (SSE) at one time.'
      )
    }
    // The newer of the two replaces the other.
    merged.delete(names.includes('KmsMasterKeyId') ? 'SqsManagedSseEnabled' : 'KmsMasterKeyId')
  }
  return merged
}

export function redriveOf(
  attributes: ReadonlyMap<string, string>
): { readonly targetArn: string; readonly maxReceiveCount: number } | undefined {
  const policy = attributes.get('RedrivePolicy')
  return policy === undefined ? undefined : parseRedrive(policy)
}

/** The named attributes; `All` names all. @throws AwsError InvalidAttributeName */
export function chosenAttributes(
  names: unknown,
  all: ReadonlyMap<string, string>
): Readonly<Record<string, string>> {
  const chosen: readonly unknown[] = Array.isArray(names) ? names : []
  if (chosen.includes('All')) return Object.fromEntries(all)
  const known: readonly string[] = [...Object.keys(numbers), ...others, ...readOnly]
  return Object.fromEntries(
    chosen.flatMap(name => {
      if (typeof name !== 'string' || !known.includes(name)) throw unknownAttribute(String(name))
      const value = all.get(name)
      return value === undefined ? [] : [[name, value]]
    })
  )
}

function checkAttribute(name: string, text: string): void {
  if (Object.hasOwn(numbers, name)) {
    const [min, max] = numbers[name as NumberAttribute]
    if (!/^\d+$/.test(text) || Number(text) < min || Number(text) > max) throw invalidValue(name)
    return
  }
  if (name === 'FifoQueue' || name === 'ContentBasedDeduplication') {
    throw new AwsError('UnsupportedOperation', 'FIFO queues are not implemented by the local engine.')
  }
  if (!(others as readonly string[]).includes(name)) throw unknownAttribute(name)
  if (text === '') return
  if (name === 'SqsManagedSseEnabled' && text !== 'true' && text !== 'false') throw invalidValue(name)
  if (jsonAttributes.includes(name) && parseJson(text) === undefined) throw invalidValue(name)
  if (name === 'RedrivePolicy' && parseRedrive(text) === undefined) throw invalidValue(name)
}

function parseRedrive(
  text: string
): { readonly targetArn: string; readonly maxReceiveCount: number } | undefined {
  const { deadLetterTargetArn: targetArn, maxReceiveCount = 10 } = parseJson(text) ?? {}
  const count = Number(maxReceiveCount)
  return typeof targetArn === 'string' && Number.isInteger(count) && count >= 1 && count <= 1_000
    ? { targetArn, maxReceiveCount: count }
    : undefined
}

function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function unknownAttribute(name: string): AwsError {
  return new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`)
}

function invalidValue(name: string, reason?: string): AwsError {
  return new AwsError(
    'InvalidAttributeValue',
    `Invalid value for the parameter ${name}.${reason === undefined ? '' : ` Reason: ${reason}`}`
  )
}
