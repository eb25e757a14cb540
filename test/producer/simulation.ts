import { deferred } from '../../core/concurrency.ts'
import { isSealstreamError } from '../../core/errors.ts'
import { maxHashKey } from '../../core/hash-key.ts'
import { SealMode } from '../../core/record-transform.ts'
import type { UserRecord } from '../../core/user-record.ts'
import { Producer, type ProducerOptions, type PutResult } from '../../producer/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { Seeded } from '../helpers/seeded.ts'
import { SimulatedKeyring } from './simulated-keyring.ts'
import { SimulatedStream } from './simulated-stream.ts'

/** Stands in every payload, and in no request of a producer that seals. */
export const secret = 'PLAINTEXT'
const streamName = 'simulation'
const magic = Buffer.from('f3899ac2', 'hex')

/** What a handed back record's error says; those that were refused have no `maybeStored`. */
export type PutError = Error & {
  readonly code?: string
  readonly attempts?: number
  readonly maybeStored?: boolean
  readonly record?: UserRecord
}

/** One call of `put`. */
export interface PutCall {
  readonly id: number
  readonly record: UserRecord
  /** Counts every put and every settlement: which of them the caller saw first. */
  readonly putTick: number
  readonly putMs: number
  /** Made as soon as another put was settled, before the caller could see the other settlements of that moment. */
  readonly isChained: boolean
  acceptedMs: number | undefined
  settledMs: number | undefined
  settledTick: number
  result: PutResult | undefined
  error: PutError | undefined
}

export class Violation extends Error {}

export function demand(isHeld: boolean, what: string): asserts isHeld {
  if (!isHeld) throw new Violation(what)
}

/** The drawn settings that decide what may be asked of a run. */
export interface Settings {
  readonly options: Omit<ProducerOptions, 'streamName'>
  readonly isAuto: boolean
  /** Records of more than the usual limit wait for the stream to be known, and others need not wait with them. */
  readonly hasLarge: boolean
  /** The service and the keys never fail. */
  readonly isCalm: boolean
  /** The shards stay as they are. */
  readonly isStill: boolean
  readonly drainMs: number | undefined
}

/** One producer's life on one stream, as the seed says. */
export class Simulation {
  readonly clock = new FakeClock(1)
  readonly random: Seeded
  readonly stream: SimulatedStream
  readonly keyring: SimulatedKeyring
  readonly settings: Settings
  readonly producer: Producer
  readonly puts: PutCall[] = []
  /** When the producer knew that the stream is AUTO; undefined while it is not. */
  autoSinceMs: number | undefined
  readonly #firstShards: number
  readonly #keys: readonly Omit<UserRecord, 'data'>[]
  readonly #aborts: { readonly abort: AbortController; readonly call: PutCall }[] = []
  /** Calls that waited when they were aborted. */
  readonly #aborted = new Set<PutCall>()
  readonly #flushes: Promise<void>[] = []
  /** Calls that are neither accepted nor settled. */
  readonly #offered = new Set<PutCall>()
  #accepted = 0
  #acknowledged = 0
  #handedBack = 0
  #tick = 0
  #isClosing = false
  #isClosed = false
  #violation: unknown

  constructor(seed: number) {
    const random = new Seeded(seed)
    this.random = random
    this.#firstShards = random.integer(1, 8)
    this.stream = new SimulatedStream(this.#firstShards, this.clock, random.fork())
    this.keyring = new SimulatedKeyring(random.chance(0.3), this.clock, random.fork())
    this.settings = this.#drawSettings()
    this.#keys = this.#drawKeys()
    this.producer = new Producer({ ...this.settings.options, streamName })
    this.clock.onIdle = () => this.#whenIdle()
  }

  get isResharded(): boolean {
    return this.stream.shards.length > this.#firstShards
  }

  /** Nothing of the stream, the keys or the limits makes a record wait: it goes as soon as it is due. */
  get isPrompt(): boolean {
    const { isCalm, hasLarge, isAuto, options } = this.settings
    const { rateLimitPercent = 150 } = options
    return isCalm && !hasLarge && !isAuto && !this.isResharded && rateLimitPercent >= 150
  }

  async run(): Promise<void> {
    this.stream.changeWeather(this.settings.isCalm || this.random.chance(0.3))
    const rounds = this.random.integer(5, 40)
    for (let round = 0; round < rounds; round += 1) {
      await this.#act()
      if (this.random.chance(0.8))
        await this.#advance(this.random.integer(0, this.random.pick([0, 5, 100, 1_000])))
    }
    await this.#close()
  }

  openerOptions(): { readonly streamName: string } {
    return { streamName }
  }

  async #act(): Promise<void> {
    const { random, stream } = this
    const action = random.next()
    if (action < 0.6) {
      const burst = random.integer(1, random.pick([1, 5, 20]))
      for (let count = 0; count < burst; count += 1) this.#put(random.pick(this.#keys))
    } else if (action < 0.75) this.#reshard()
    else if (action < 0.83) stream.changeWeather(this.settings.isCalm || random.chance(0.4))
    else if (action < 0.88) this.#changeKeys()
    else if (action < 0.92) this.#abort()
    else if (action < 0.96) this.#flush()
    else if (this.settings.isAuto) stream.isAuto = random.chance(0.8)
  }

  #put(key: Omit<UserRecord, 'data'>, chained = 0): void {
    const { random, producer, settings } = this
    const id = this.puts.length
    const call: PutCall = {
      id,
      record: { ...key, data: this.#payload(id) },
      putTick: ++this.#tick,
      putMs: this.clock.now(),
      isChained: chained > 0,
      acceptedMs: undefined,
      settledMs: undefined,
      settledTick: Number.POSITIVE_INFINITY,
      result: undefined,
      error: undefined
    }
    this.puts.push(call)
    const abort = random.chance(0.2) ? new AbortController() : undefined
    if (abort !== undefined) this.#aborts.push({ abort, call })
    const { accepted } = producer.stats
    const put = producer.put(call.record, abort === undefined ? {} : { signal: abort.signal })
    if (producer.stats.accepted > accepted) this.#onAccepted(call)
    else this.#offered.add(call)
    const { maxWaitingBytes } = settings.options
    this.#guard(() =>
      demand(
        maxWaitingBytes === undefined || producer.stats.waitingBytes <= maxWaitingBytes,
        'more bytes wait than may'
      )
    )
    const followers = chained > 0 ? chained - 1 : random.chance(0.3) ? random.integer(1, 3) : 0
    const onSettled = (): void => {
      this.#guard(() => demand(call.settledMs === undefined, `put ${id} settled twice`))
      call.settledMs = this.clock.now()
      call.settledTick = ++this.#tick
      if (followers > 0 && !this.#isClosing) this.#put(key, followers)
    }
    put.then(
      result => {
        call.result = result
        this.#acknowledged += 1
        onSettled()
      },
      (error: PutError) => {
        call.error = error
        if (isHandedBack(error)) this.#handedBack += 1
        onSettled()
      }
    )
  }

  #payload(id: number): Buffer {
    const { random, settings } = this
    const size = random.integer(0, random.pick([20, 100, 100, 1_000, 6_000]))
    const text = `${id};${secret}${'x'.repeat(size)}`
    if (settings.hasLarge && random.chance(0.05)) return Buffer.concat([Buffer.from(text), large])
    return settings.options.onMagicPrefix !== undefined && random.chance(0.1)
      ? Buffer.concat([magic, Buffer.from(text)])
      : Buffer.from(text)
  }

  #reshard(): void {
    const { random, stream } = this
    for (let times = random.pick([1, 1, 1, 2, 4]); times > 0; times -= 1) {
      if (this.settings.isStill || stream.shards.length > 30) return
      const open = stream.shards.filter(({ isOpen }) => isOpen).sort((a, b) => (a.start < b.start ? -1 : 1))
      const chosen = random.integer(0, open.length - 1)
      if (chosen + 1 < open.length && random.chance(0.5)) stream.merge(open[chosen]!, open[chosen + 1]!)
      else stream.split(open[chosen]!)
    }
  }

  #changeKeys(): void {
    const { keyring, random } = this
    if (this.settings.isCalm) return
    keyring.slowness = random.pick([0, 0.1, 0.5])
    for (const name of keyring.isPerTenant ? tenants : ['']) {
      const fate = random.next()
      keyring.outages.delete(name)
      keyring.broken.delete(name)
      if (fate < 0.4) keyring.outages.add(name)
      else if (fate < 0.5) keyring.broken.add(name)
    }
  }

  #abort(): void {
    const [aborted] = this.#aborts.splice(this.random.integer(0, this.#aborts.length), 1)
    if (aborted === undefined) return
    if (this.#offered.has(aborted.call)) this.#aborted.add(aborted.call)
    aborted.abort.abort()
  }

  #flush(): void {
    const { producer, random, clock } = this
    // One that was offered may have been given room a moment ago, which is seen when nothing else is to be done.
    const before = this.puts.filter(({ settledMs }) => settledMs === undefined)
    const timeoutMs = random.chance(0.5) ? random.integer(0, 3_000) : undefined
    const startedMs = clock.now()
    this.#flushes.push(
      producer.flush(timeoutMs === undefined ? {} : { timeoutMs }).then(left =>
        this.#guard(() => {
          const unsettled = new Set(
            before.filter(({ settledMs }) => settledMs === undefined).map(({ record }) => record)
          )
          for (const record of left) demand(unsettled.has(record), 'flush returned a record that is not left')
          demand(!this.isPrompt || clock.now() === startedMs, 'a flush left something in a buffer')
          if (timeoutMs === undefined) demand(left.length === 0, 'a flush without a limit left something')
          else demand(clock.now() <= startedMs + timeoutMs, 'a flush took longer than it may')
        })
      )
    )
  }

  async #close(): Promise<void> {
    const { random, producer, stream, keyring, clock } = this
    if (random.chance(0.5)) {
      stream.changeWeather(true)
      keyring.outages.clear()
      keyring.broken.clear()
    }
    const { drainMs } = this.settings
    const { recordTtlMs = 30_000 } = this.settings.options
    const limitMs = clock.now() + (drainMs ?? recordTtlMs)
    this.#isClosing = true
    const closed = deferred<readonly UserRecord[]>()
    let closedMs: number | undefined
    producer.close(drainMs === undefined ? {} : { drainMs }).then(left => {
      closedMs = clock.now()
      closed.resolve(left)
    }, closed.reject)
    await this.#advance(0)
    while (closedMs === undefined && clock.now() < limitMs)
      await this.#advance(Math.min(1_000, limitMs - clock.now()))
    demand(closedMs !== undefined, 'close did not end in time')
    const left = await closed.promise
    for (const { id, settledMs } of this.puts) demand(settledMs !== undefined, `put ${id} was never settled`)
    const isClosed = ({ error }: PutCall): boolean =>
      (error as { cause?: { code?: string } } | undefined)?.cause?.code === 'SEALSTREAM_CLOSED'
    const closedWith = this.puts.filter(isClosed).map(({ record }) => record)
    demand(
      left.length === closedWith.length && closedWith.every(record => left.includes(record)),
      'close did not return what it handed back'
    )
    await Promise.all(this.#flushes)
    const requests = stream.log.length
    this.#isClosed = true
    await this.#advance(400_000)
    demand(stream.log.length === requests, 'something was sent after the close')
    const { pendingBytes, waitingBytes, waitingPuts, inFlight } = producer.stats
    demand(pendingBytes + waitingBytes + waitingPuts + inFlight === 0, 'the buffer is not empty in the end')
  }

  /** What the producer waits for. */
  get #timers(): number {
    return this.clock.pending - this.stream.ownTimers - this.keyring.ownTimers
  }

  async #advance(ms: number): Promise<void> {
    await this.clock.advance(ms)
    if (this.#violation !== undefined) throw this.#violation
  }

  #onAccepted(call: PutCall): void {
    call.acceptedMs = this.clock.now()
    this.#offered.delete(call)
    this.#accepted += 1
  }

  /** What must hold whenever nothing is left to be done at a moment. */
  #whenIdle(): void {
    this.#guard(() => {
      const { stats } = this.producer
      // Room is given in the order of the puts; what was refused meanwhile is known by its error.
      let waiting = this.#offered.size
      for (const call of this.#offered) {
        if (call.settledMs !== undefined && !isHandedBack(call.error) && call.result === undefined) {
          this.#offered.delete(call)
          waiting -= 1
        } else if (this.#accepted < stats.accepted) this.#onAccepted(call)
      }
      for (const { id, settledMs } of this.#aborted)
        demand(settledMs !== undefined, `put ${id} outlived its signal`)
      this.#aborted.clear()
      const { maxBufferedBytes = Number.POSITIVE_INFINITY, maxWaitingBytes = Number.POSITIVE_INFINITY } =
        this.settings.options
      demand(stats.accepted === this.#accepted, `${stats.accepted} accepted, ${this.#accepted} seen`)
      demand(stats.acknowledged === this.#acknowledged, 'the acknowledged do not balance')
      demand(stats.handedBack === this.#handedBack, 'the handed back do not balance')
      demand(stats.inFlight === this.#accepted - this.#acknowledged - this.#handedBack, 'unbalanced')
      demand(stats.pendingBytes <= maxBufferedBytes || stats.inFlight === 1, 'the buffer is overfull')
      demand(stats.waitingBytes <= maxWaitingBytes, 'more bytes wait than may')
      demand(!this.#isClosed || this.#timers === 0, 'a timer is left after the close')
      demand(stats.waitingPuts === 0 || waiting > 0, 'puts wait that nobody has made')
    })
  }

  #guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#violation ??= error
    }
  }

  #drawKeys(): readonly Omit<UserRecord, 'data'>[] {
    const { random, settings } = this
    const hasHashKeys = random.chance(0.3)
    const hashKey = (): string => String((maxHashKey * BigInt(random.integer(0, 1_000_000))) / 1_000_000n)
    return Array.from({ length: random.integer(1, 8) }, (_, index) => {
      const partitionKey = random.pick([`key ${index} of the caller`, `Schlüssel ${index} of the caller`])
      return hasHashKeys && random.chance(0.5)
        ? { partitionKey, explicitHashKey: hashKey() }
        : { partitionKey }
    }).flatMap(key =>
      // Without an order to keep one partition key may have several hash keys.
      hasHashKeys && settings.options.ordered !== true ? [key, { ...key, explicitHashKey: hashKey() }] : [key]
    )
  }

  #drawSettings(): Settings {
    const { random, stream, clock, keyring } = this
    const ordered = random.chance(0.5)
    const isAuto = !ordered && random.chance(0.15)
    stream.saysDistribution = random.chance(0.7)
    const mode = random.pick([undefined, undefined, SealMode.aggregate, SealMode.record])
    const hasLarge = random.chance(0.03)
    if (hasLarge) stream.maxRecordKiB = 3_072
    const isCalm = random.chance(0.2)
    const recordTtlMs = isCalm ? 30_000 : random.pick([1_000, 2_000, 5_000, 30_000])
    const maxRecordBytes = hasLarge ? undefined : random.pick([undefined, undefined, 6_000])
    const drawn = <K extends string, V>(name: K, probability: number, values: readonly V[]) =>
      (random.chance(probability) ? { [name]: random.pick(values) } : {}) as { readonly [key in K]?: V }
    return {
      isAuto,
      hasLarge,
      isCalm,
      isStill: random.chance(isCalm ? 0.5 : 0.1),
      drainMs: random.pick([undefined, undefined, 0, 100, recordTtlMs]),
      options: {
        kinesis: stream,
        clock,
        random: random.fork().next,
        onEvent: event => {
          if (event.type === 'recordDistribution') this.autoSinceMs = event.isAuto ? clock.now() : undefined
        },
        ordered,
        recordTtlMs,
        ...(mode === undefined
          ? {}
          : { seal: { keyring, mode, ...(keyring.isPerTenant ? { keyFor: tenantOf } : {}) } }),
        ...(maxRecordBytes === undefined ? {} : { maxRecordBytes }),
        aggregation: random.chance(0.8),
        ...drawn('aggregateBy', 0.3, ['partitionKey' as const]),
        ...drawn('onLaneFailure', 0.3, ['continue' as const]),
        ...drawn('onMagicPrefix', 0.3, ['wrap' as const, 'refuse' as const]),
        ...drawn('maxBufferedMs', 0.7, [0, 10, 500, 900]),
        ...drawn('maxAttempts', 0.3, [1, 2, 3, 5]),
        ...drawn('failIfThrottled', 0.15, [true]),
        ...drawn('rateLimitPercent', 0.5, [1, 3, 10, 1_000_000]),
        ...drawn('maxAggregateBytes', 0.6, [64, 400, 2_000]),
        ...drawn('maxRecordsPerAggregate', 0.3, [1, 2, 5]),
        ...drawn('maxRequestBytes', 0.2, [65_536]),
        ...drawn('maxConcurrentRequests', 0.5, [1, 2]),
        ...drawn('maxBufferedBytes', 0.5, [6_000, 12_000, 40_000]),
        ...drawn('maxWaitingBytes', 0.5, [0, 5_000, 20_000])
      }
    }
  }
}

const tenants = ['0', '1', '2']
const large = Buffer.alloc(1_500_000, 'x')

function tenantOf({ partitionKey }: UserRecord): string {
  return tenants[partitionKey.length % 2 === 0 ? 0 : Number(/\d/.exec(partitionKey)![0]) % tenants.length]!
}

/** Whether the record was accepted before it was rejected. */
export function isHandedBack(error: PutError | undefined): boolean {
  return isSealstreamError(error) && (error as PutError).maybeStored !== undefined
}
