import { InvalidOptionError } from '../../core/errors.ts'
import { copyErrorCodes } from '../redshift/errors.ts'
import { type FaultService, faultServices, serviceFaults } from './service-faults.ts'

export const faultKinds = [
  'throttle',
  'partial-failure',
  'delay',
  'lost-answer',
  'dropped-connection',
  'wrong-answer',
  'key-disabled',
  'copy-refused'
] as const
export type FaultKind = (typeof faultKinds)[number]

export const wrongAnswers = ['empty', 'short', 'html'] as const
export type WrongAnswer = (typeof wrongAnswers)[number]

/**
 * A fault as data: which requests it meets, and what becomes of them. Rules are asked in their order. The first whose
 * turn has come decides, but for `delay`, after which the next ones are asked as well.
 */
export interface FaultRule {
  readonly service: FaultService
  /**
   * - `throttle`: the service's own error for too many requests.
   * - `partial-failure`: entries of a batch fail with an error code of their own; see `entries`.
   * - `delay`: the request waits for `delayMs`, and goes on.
   * - `lost-answer`: the request is carried out, then the connection is cut.
   * - `dropped-connection`: the connection is cut, and nothing is carried out.
   * - `wrong-answer`: an answer that is none; see `answer`.
   * - `key-disabled`: KMS answers DisabledException to what would use the key.
   * - `copy-refused`: Redshift refuses a COPY with `errorCode`, and loads nothing.
   */
  readonly kind: FaultKind
  /**
   * Such as `PutRecords`. For S3 such as `PutObject`; for the receivers `_bulk`, `_search`, `event`, `raw`, `ack`,
   * `COPY`.
   * @default all that the kind can happen to
   */
  readonly operation?: string
  /**
   * What the request is about: name or ARN of a stream, table, queue or delivery stream; id, ARN or alias of a key;
   * `bucket` or `bucket/key`; an index; a table as the COPY names it. @default anything
   */
  readonly key?: string
  /** Requests that it happens to, before the rule is spent. Range 1 up. @default no bound */
  readonly times?: number
  /** Chance of each request, by the seed. Range 0 to 1. @default 1 */
  readonly probability?: number
  /** Requests that pass first. Range 0 up. @default 0 */
  readonly afterRequests?: number
  /** Wait before anything else, on the engines' clock, in milliseconds. Range 0 to 3_600_000. @default 0 */
  readonly delayMs?: number
  /** For `partial-failure`: indexes of the entries that fail. */
  readonly entries?: readonly number[]
  /** For `partial-failure`: chance of each entry, by the seed. Range 0 to 1. @default 1 without `entries` */
  readonly entryProbability?: number
  /**
   * For `copy-refused`, which needs it: a code of Firehose's without `Redshift.`, such as `ReadOnlyCluster`. For
   * `partial-failure`: one of the service's codes for an entry. @default the one for too many requests, or the like
   */
  readonly errorCode?: string
  /**
   * For `wrong-answer`. `html`: 502 of a proxy, and nothing is carried out. `empty`: 200 without a body; `short`: one
   * entry less than the batch had; both are carried out. @default 'html'
   */
  readonly answer?: WrongAnswer
}

const maxRules = 1_000
const maxDelayMs = 3_600_000

/**
 * Rules out of JSON.
 * @throws InvalidOptionError with the path of what is wrong, such as `faults[0].kind`
 */
export function parseFaultRules(given: unknown): readonly FaultRule[] {
  if (!Array.isArray(given)) throw new InvalidOptionError('faults', 'must be a list of rules')
  if (given.length > maxRules) throw new InvalidOptionError('faults', `must be ${maxRules} rules at most`)
  return given.map((rule: unknown, index) => parseRule(rule, `faults[${index}]`))
}

type Check = (value: unknown) => string | undefined

const oneOf =
  (values: readonly string[]): Check =>
  value =>
    values.includes(value as string) ? undefined : `must be one of ${values.join(', ')}`
const integer =
  (low: number, high = Number.MAX_SAFE_INTEGER): Check =>
  value =>
    Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high
      ? undefined
      : `must be a whole number from ${low}${high === Number.MAX_SAFE_INTEGER ? ' up' : ` to ${high}`}`
const chance: Check = value =>
  typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'must be a number from 0 to 1'
const text: Check = value =>
  typeof value === 'string' && value !== '' ? undefined : 'must be a text that is not empty'
const indexes: Check = value =>
  Array.isArray(value) && value.every(index => Number.isSafeInteger(index) && index >= 0)
    ? undefined
    : 'must be a list of indexes'

const checks: Readonly<Record<keyof FaultRule, Check>> = {
  service: oneOf(faultServices),
  kind: oneOf(faultKinds),
  operation: text,
  key: text,
  times: integer(1),
  probability: chance,
  afterRequests: integer(0),
  delayMs: integer(0, maxDelayMs),
  entries: indexes,
  entryProbability: chance,
  errorCode: text,
  answer: oneOf(wrongAnswers)
}

function parseRule(given: unknown, path: string): FaultRule {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOptionError(path, 'must be an object')
  }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(checks, name)) {
      throw new InvalidOptionError(path, `has an unknown member; known are ${Object.keys(checks).join(', ')}`)
    }
    const problem = value === undefined ? undefined : checks[name as keyof FaultRule](value)
    if (problem !== undefined) throw new InvalidOptionError(`${path}.${name}`, problem)
  }
  const rule = given as FaultRule
  for (const name of ['service', 'kind'] as const) {
    if (rule[name] === undefined) throw new InvalidOptionError(`${path}.${name}`, 'is missing')
  }
  checkTogether(rule, path)
  return { ...rule }
}

/** What a kind needs, and what it cannot have. */
function checkTogether(rule: FaultRule, path: string): void {
  const { service, kind, operation } = rule
  const { batches, entryErrors } = serviceFaults[service]
  const isForBatches = kind === 'partial-failure' || rule.answer === 'short'
  if (isForBatches && batches.length === 0) {
    throw new InvalidOptionError(`${path}.kind`, `${service} has no operation with entries of their own`)
  }
  if (isForBatches && operation !== undefined && !batches.includes(operation)) {
    throw new InvalidOptionError(`${path}.operation`, `must be one of ${batches.join(', ')}`)
  }
  if (rule.answer === 'short' && service === 'dynamodb') {
    throw new InvalidOptionError(
      `${path}.answer`,
      'dynamodb answers no entries, so that none can be left out'
    )
  }
  if (kind === 'key-disabled' && service !== 'kms') {
    throw new InvalidOptionError(`${path}.kind`, 'key-disabled is for kms alone')
  }
  if (kind === 'copy-refused' && service !== 'redshift') {
    throw new InvalidOptionError(`${path}.kind`, 'copy-refused is for redshift alone')
  }
  if (kind === 'wrong-answer' && service === 'redshift') {
    throw new InvalidOptionError(`${path}.kind`, 'redshift answers nothing that could be wrong')
  }
  if (kind === 'delay' && rule.delayMs === undefined) {
    throw new InvalidOptionError(`${path}.delayMs`, 'is missing')
  }
  const others = (['entries', 'entryProbability', 'errorCode'] as const).filter(
    name => rule[name] !== undefined
  )
  const foreign = others.find(name => !(kind === 'copy-refused' && name === 'errorCode'))
  if (kind !== 'partial-failure' && foreign !== undefined) {
    const kinds = foreign === 'errorCode' ? 'partial-failure and copy-refused' : 'partial-failure'
    throw new InvalidOptionError(`${path}.${foreign}`, `is for ${kinds} alone`)
  }
  if (kind !== 'wrong-answer' && rule.answer !== undefined) {
    throw new InvalidOptionError(`${path}.answer`, 'is for wrong-answer alone')
  }
  const codes: readonly string[] = kind === 'copy-refused' ? copyErrorCodes : entryErrors
  if (rule.errorCode === undefined ? kind === 'copy-refused' : !codes.includes(rule.errorCode)) {
    throw new InvalidOptionError(`${path}.errorCode`, `must be one of ${codes.join(', ')}`)
  }
}
