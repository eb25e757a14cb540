import { randomInt, randomUUID } from 'node:crypto'

export interface PrefixInput {
  readonly prefix: string
  /** What the object holds when it holds error records, such as `splunk-failed`; undefined for delivered records. */
  readonly errorOutputType?: string | undefined
  /** Arrival of the oldest record in the object, milliseconds since 1970. */
  readonly arrivedMs: number
  readonly timeZone: string
  /** What stands for `!{partitionKeyFromLambda:…}`. */
  readonly partitionKeys?: Readonly<Record<string, string>> | undefined
}

export interface ObjectKeyInput extends PrefixInput {
  readonly deliveryStreamName: string
  readonly version: string
  /** With its dot; empty for none. */
  readonly extension: string
}

/**
 * `<evaluated prefix><stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid><extension>`. A prefix without any
 * expression gets the time path `yyyy/MM/dd/HH/` behind it, with no slash in between; one of error records gets the
 * type of error and a slash before that path.
 */
export function objectKey(input: ObjectKeyInput): string {
  const { deliveryStreamName, version, timeZone, extension } = input
  const instant = wallClock(input.arrivedMs, timeZone)
  return `${evaluatedPrefix(input)}${deliveryStreamName}-${version}-${formatTime('yyyy-MM-dd-HH-mm-ss', instant)}-${randomUUID()}${extension}`
}

/** Of an evaluated prefix, in characters (https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html). */
export const maxPrefixLength = 512

/** A prefix as it stands in keys. `random` makes what stands for `!{firehose:random-string}`. */
export function evaluatedPrefix(input: PrefixInput, random = randomString): string {
  const { prefix, errorOutputType, partitionKeys = {} } = input
  const instant = wallClock(input.arrivedMs, input.timeZone)
  const folder = errorOutputType === undefined ? '' : `${errorOutputType}/`
  return prefix.includes('!{')
    ? prefix.replaceAll(expressions, (_, space: string, value: string) => {
        if (space === 'timestamp') return formatTime(value, instant)
        if (space === partitionKeySpace) return partitionKeys[value] ?? ''
        return value === 'error-output-type' ? (errorOutputType ?? '') : random()
      })
    : `${prefix}${folder}${formatTime('yyyy/MM/dd/HH/', instant)}`
}

/** `!{namespace:value}`, wherever it stands. */
const expressions = /!\{([^:}]*):([^}]*)\}/g

const partitionKeySpace = 'partitionKeyFromLambda'

/** Names of the partition keys that a prefix is made of, each once. */
export function partitionKeyNames(prefix: string): readonly string[] {
  const found = [...prefix.matchAll(expressions)].filter(([, space]) => space === partitionKeySpace)
  return [...new Set(found.map(([, , name]) => name!))]
}

/** Why a prefix cannot be used; undefined when it can. */
export function prefixFault(prefix: string, mayPartition = false): string | undefined {
  const rest = prefix.replaceAll(expressions, '')
  if (rest.includes('!{')) return 'the characters !{ stand outside of an expression'
  for (const [, space, value] of prefix.matchAll(expressions)) {
    if (space === 'timestamp') {
      const unknown = timeTokens(value!).find(
        token => token.letter !== undefined && !(token.text in timeParts)
      )
      if (unknown !== undefined) return `the timestamp pattern ${unknown.text} is not known`
    } else if (mayPartition && space === partitionKeySpace) {
      if (value === '') return 'a partition key has no name'
    } else if (`${space}:${value}` !== 'firehose:random-string') {
      return `the expression !{${space}:${value}} is not allowed here`
    }
  }
  return undefined
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function randomString(): string {
  return Array.from({ length: 11 }, () => alphanumeric[randomInt(alphanumeric.length)]).join('')
}

interface WallClock {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly millisecond: number
}

function wallClock(ms: number, timeZone: string): WallClock {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric'
  }).formatToParts(ms)
  const part = (type: string): number => Number(parts.find(found => found.type === type)?.value)
  return {
    year: part('year'),
    month: part('month'),
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
    millisecond: Math.floor(ms) % 1000
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const pad = (value: number, width: number): string => String(value).padStart(width, '0')

/** The letters of Java's DateTimeFormatter that prefixes use. */
const timeParts: Readonly<Record<string, (at: WallClock) => string>> = {
  yyyy: ({ year }) => pad(year, 4),
  yy: ({ year }) => pad(year % 100, 2),
  MMM: ({ month }) => months[month - 1]!,
  MM: ({ month }) => pad(month, 2),
  M: ({ month }) => String(month),
  DDD: at => pad(dayOfYear(at), 3),
  dd: ({ day }) => pad(day, 2),
  d: ({ day }) => String(day),
  HH: ({ hour }) => pad(hour, 2),
  H: ({ hour }) => String(hour),
  mm: ({ minute }) => pad(minute, 2),
  ss: ({ second }) => pad(second, 2),
  SSS: ({ millisecond }) => pad(millisecond, 3)
}

function dayOfYear({ year, month, day }: WallClock): number {
  return Math.round((Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1
}

interface TimeToken {
  readonly text: string
  /** The letter that is repeated; undefined for literal text. */
  readonly letter: string | undefined
}

/** Runs of one letter, text in single quotes, and everything else as it is. */
function timeTokens(pattern: string): TimeToken[] {
  return [...pattern.matchAll(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+/g)].map(([text, quoted, letter]) => ({
    text: quoted ?? text,
    letter: quoted === undefined ? letter : undefined
  }))
}

function formatTime(pattern: string, at: WallClock): string {
  return timeTokens(pattern)
    .map(({ text, letter }) => (letter === undefined ? text : timeParts[text]!(at)))
    .join('')
}
