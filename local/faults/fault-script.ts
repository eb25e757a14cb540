import type { Clock } from '../../core/clock.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import { AwsError } from '../aws-json.ts'
import type { FailEntry, Fault } from './fault.ts'
import { type FaultKind, type FaultRule, parseFaultRules } from './fault-rule.ts'
import { seededRandom } from './seeded-random.ts'
import { badGateway, type FaultService, keyUses, serviceFaults } from './service-faults.ts'

/** One request that a rule met. */
export interface FaultLogEntry {
  /** Wall clock of the engines, milliseconds since 1970. */
  readonly atMs: number
  /** Index of the rule. */
  readonly rule: number
  readonly service: FaultService
  readonly operation: string
  readonly kind: FaultKind
  /** Indexes of the entries that failed, of `partial-failure`. */
  readonly entries?: readonly number[]
}

/** A rule, and what became of it. */
export interface ScriptedFault {
  readonly rule: FaultRule
  /** Requests that it would have fitted, those that passed included. */
  readonly requests: number
  /** Requests that it happened to. */
  readonly hits: number
}

/** Scripted faults while the engines run. */
export interface LocalFaults {
  /**
   * Puts `rules` in the place of those so far, with a new log. The same rules under the same seed meet the same requests.
   * @throws InvalidOptionError with the path of what is wrong, such as `faults[0].kind`; the rules stay as they were
   */
  script(rules: readonly FaultRule[], options?: { readonly seed?: number }): void
  /** No faults from here on; requests that are delayed go on at once. The log stays. */
  clear(): void
  rules(): readonly ScriptedFault[]
  /** The last 10,000 requests that a rule met, oldest first. */
  log(): readonly FaultLogEntry[]
}

interface ActiveRule {
  readonly rule: FaultRule
  readonly random: () => number
  requests: number
  hits: number
}

const maxLogEntries = 10_000

/** The rules in force, asked about every request. */
export class FaultScript implements LocalFaults {
  readonly #clock: Clock
  readonly #seed: number
  #active: ActiveRule[] = []
  readonly #log: FaultLogEntry[] = []
  readonly #delayed = new Set<() => void>()

  /** @throws InvalidOptionError */
  constructor(clock: Clock, rules: readonly FaultRule[], seed: number) {
    this.#clock = clock
    this.#seed = seed
    this.script(rules)
  }

  /** Requests that wait for time to pass. */
  get delayed(): number {
    return this.#delayed.size
  }

  script(rules: readonly FaultRule[], { seed = this.#seed }: { readonly seed?: number } = {}): void {
    const parsed = parseFaultRules(rules)
    if (!Number.isSafeInteger(seed)) throw new InvalidOptionError('seed', 'must be a whole number')
    this.clear()
    this.#log.length = 0
    // A sequence for each rule, so that requests of one service do not change what happens to another's.
    this.#active = parsed.map((rule, index) => ({
      rule,
      random: seededRandom(seed, index),
      requests: 0,
      hits: 0
    }))
  }

  clear(): void {
    this.#active = []
    for (const goOn of [...this.#delayed]) goOn()
  }

  rules(): readonly ScriptedFault[] {
    return this.#active.map(({ rule, requests, hits }) => ({ rule, requests, hits }))
  }

  log(): readonly FaultLogEntry[] {
    return [...this.#log]
  }

  /** What happens to a request; `names` tells the names of what it is about. At once where no rule is in force. */
  decide(
    service: FaultService,
    operation: string,
    names: () => readonly string[]
  ): Fault | undefined | Promise<Fault | undefined> {
    if (this.#active.length === 0) return undefined
    let delayMs = 0
    let fault: Fault | undefined
    let known: readonly string[] | undefined
    for (const [index, active] of this.#active.entries()) {
      const { rule } = active
      if (rule.service !== service || !canHappenTo(rule, operation)) continue
      if (rule.key !== undefined) {
        known ??= names()
        if (!known.includes(rule.key)) continue
      }
      if (!isItsTurn(active)) continue
      delayMs += rule.delayMs ?? 0
      const failed: number[] = []
      this.#write({
        atMs: this.#clock.wallTime(),
        rule: index,
        service,
        operation,
        kind: rule.kind,
        ...(rule.kind === 'partial-failure' ? { entries: failed } : {})
      })
      if (rule.kind === 'delay') continue
      known ??= names()
      fault = toFault(active, operation, known, failed)
      break
    }
    return delayMs === 0 ? fault : this.#delay(delayMs).then(() => fault)
  }

  #write(entry: FaultLogEntry): void {
    this.#log.push(entry)
    if (this.#log.length > maxLogEntries) this.#log.shift()
  }

  #delay(ms: number): Promise<void> {
    return new Promise(resolve => {
      const goOn = (): void => {
        cancel()
        this.#delayed.delete(goOn)
        resolve()
      }
      const cancel = this.#clock.schedule(goOn, ms, { unref: true })
      this.#delayed.add(goOn)
    })
  }
}

function canHappenTo({ service, kind, operation, answer }: FaultRule, asked: string): boolean {
  if (operation !== undefined && operation !== asked) return false
  if (kind === 'key-disabled') return keyUses.includes(asked)
  if (kind === 'partial-failure' || answer === 'short') return serviceFaults[service].batches.includes(asked)
  return true
}

/** Counts the request. */
function isItsTurn(active: ActiveRule): boolean {
  const { times = Number.POSITIVE_INFINITY, probability = 1, afterRequests = 0 } = active.rule
  active.requests += 1
  if (active.requests <= afterRequests || active.hits >= times) return false
  if (probability < 1 && active.random() >= probability) return false
  active.hits += 1
  return true
}

function toFault(
  { rule, random }: ActiveRule,
  operation: string,
  names: readonly string[],
  failed: number[]
): Fault | undefined {
  switch (rule.kind) {
    case 'throttle':
      return serviceFaults[rule.service].throttle(operation, names[0])
    case 'partial-failure':
      return { kind: 'failEntries', failEntry: failEntry(rule, random, failed) }
    case 'lost-answer':
      return { kind: 'loseAnswer' }
    case 'dropped-connection':
      return { kind: 'reset' }
    case 'wrong-answer':
      return rule.answer === 'empty' || rule.answer === 'short'
        ? { kind: 'damageAnswer', how: rule.answer }
        : badGateway
    case 'key-disabled': {
      const arn = names.find(name => name.includes(':key/')) ?? names[0] ?? ''
      return { kind: 'error', error: new AwsError('DisabledException', `${arn} is disabled.`) }
    }
    case 'copy-refused':
      return {
        kind: 'error',
        error: new AwsError(rule.errorCode!, 'the COPY is refused by a scripted fault')
      }
    case 'delay':
      return undefined
  }
}

function failEntry(rule: FaultRule, random: () => number, failed: number[]): FailEntry {
  const { service, entries, entryProbability } = rule
  const code = rule.errorCode ?? serviceFaults[service].entryErrors[0]
  return index => {
    if (entries !== undefined && !entries.includes(index)) return undefined
    if (entryProbability !== undefined && random() >= entryProbability) return undefined
    failed.push(index)
    return code
  }
}
