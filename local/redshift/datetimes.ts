import { RowFault } from './rows.ts'

/** A date by a DATEFORMAT, as PostgreSQL takes it. @throws {RowFault} */
export function convertDate(text: string, format = 'YYYY-MM-DD'): string {
  if (format === 'auto') return text
  const { year, month, day } = match(text, format)
  return `${year}-${month}-${day}`
}

/** A timestamp by a TIMEFORMAT, as PostgreSQL takes it. @throws {RowFault} */
export function convertTimestamp(text: string, format = 'YYYY-MM-DD HH:MI:SS', hasTimeZone = false): string {
  if (format === 'auto') return text
  if (format === 'epochsecs') return fromEpoch(text, 0)
  if (format === 'epochmillisecs') return fromEpoch(text, 3)
  const parts = match(text, format, hasTimeZone)
  return (
    `${parts.year}-${parts.month}-${parts.day} ` +
    `${parts.hour}:${parts.minute}:${parts.second}${parts.fraction}${parts.offset}`
  )
}

interface DateTimeParts {
  readonly year: string
  readonly month: string
  readonly day: string
  readonly hour: string
  readonly minute: string
  readonly second: string
  /** With its point; empty for none. */
  readonly fraction: string
  readonly offset: string
}

/** The longer ones first. */
const tokens = /YYYY|YY|MON|MM|DD|HH24|HH12|HH|MI|SS|AM|PM|OF/gi

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

const partPatterns: Readonly<Record<string, string>> = {
  YYYY: '(?<year>\\d{4})',
  YY: '(?<shortYear>\\d{2})',
  MON: `(?<monthName>${months.join('|')})`,
  MM: '(?<month>\\d{1,2})',
  DD: '(?<day>\\d{1,2})',
  HH24: '(?<hour>\\d{1,2})',
  HH12: '(?<hour>\\d{1,2})',
  HH: '(?<hour>\\d{1,2})',
  MI: '(?<minute>\\d{1,2})',
  SS: '(?<second>\\d{1,2})(?<fraction>\\.\\d{1,6})?',
  AM: '(?<half>AM|PM)',
  PM: '(?<half>AM|PM)',
  OF: offset()
}

function match(text: string, format: string, hasTimeZone = false): DateTimeParts {
  const needsOffset = hasTimeZone && !/OF/i.test(format)
  const pattern = `^\\s*${patternOf(format)}${needsOffset ? `${offset()}?` : ''}\\s*$`
  let groups: Record<string, string | undefined> | undefined
  try {
    groups = new RegExp(pattern, 'i').exec(text)?.groups
  } catch {
    throw new RowFault('a date format names a part twice')
  }
  if (groups === undefined) throw new RowFault('a date or time does not have the format')
  const { monthName, month = '01', day = '01', minute = '00', second = '00', fraction = '' } = groups
  return {
    year: groups.year ?? fullYear(groups.shortYear),
    month: monthName === undefined ? month : String(months.indexOf(monthName.toLowerCase()) + 1),
    day,
    hour: hourOfDay(groups.hour ?? '00', groups.half),
    minute,
    second,
    fraction,
    offset: groups.offset ?? ''
  }
}

function patternOf(format: string): string {
  let pattern = ''
  let at = 0
  for (const { 0: token, index } of format.matchAll(tokens)) {
    pattern += literal(format.slice(at, index)) + partPatterns[token.toUpperCase()]!
    at = index + token.length
  }
  return pattern + literal(format.slice(at))
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}

function offset(): string {
  return '(?<offset>[+-]\\d{1,2}(?::?\\d{2})?)'
}

/** 00 to 69 belong to this century. */
function fullYear(shortYear: string | undefined): string {
  if (shortYear === undefined) throw new RowFault('a date format has no year')
  return `${Number(shortYear) < 70 ? '20' : '19'}${shortYear}`
}

function hourOfDay(hour: string, half: string | undefined): string {
  if (half === undefined) return hour
  return String((Number(hour) % 12) + (half.toUpperCase() === 'PM' ? 12 : 0))
}

/** `shift` is how many decimals of a second the number has before its point. */
function fromEpoch(text: string, shift: number): string {
  const number = /^\s*(-?\d{1,15})(?:\.(\d{1,6}))?\s*$/.exec(text)
  if (number === null) throw new RowFault('a time is not a number')
  const microseconds = BigInt(number[1]!) * 10n ** BigInt(6 - shift) + decimalsOf(number, 6 - shift)
  const seconds = (microseconds - (((microseconds % million) + million) % million)) / million
  const instant = new Date(Number(seconds) * 1000)
  if (Number.isNaN(instant.getTime())) throw new RowFault('a time is out of range')
  const fraction = String(microseconds - seconds * million).padStart(6, '0')
  return instant
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, `.${fraction}+00`)
}

const million = 1_000_000n

function decimalsOf(number: RegExpExecArray, digits: number): bigint {
  const decimals = BigInt((number[2] ?? '').slice(0, digits).padEnd(digits, '0'))
  return number[1]!.startsWith('-') ? -decimals : decimals
}
