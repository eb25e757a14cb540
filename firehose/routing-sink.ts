import { checkKnownOptions } from '../core/check-option.ts'
import { InvalidOptionError, UndeliverableError } from '../core/errors.ts'
import type { DeliverOptions, RecordSink, UndeliverableRecord } from '../core/record-sink.ts'
import type { ConsumedRecord } from '../core/user-record.ts'
import type { DeliveryStreamSink } from './delivery-stream-sink.ts'
import type { SinkStats } from './types.ts'

export interface RoutingSinkOptions<Route extends string = string> {
  /** One sink for each route; closed with this one. All take the same kind of record. */
  readonly routes: Readonly<Record<Route, DeliveryStreamSink>>
  /**
   * Where a record goes. What it throws, and a name that is no route, makes the record undeliverable; so give it a
   * route of its own for the rest.
   */
  readonly route: (record: ConsumedRecord) => Route
}

/**
 * Several delivery streams behind one worker. Each route has its own buffer, requests, rate and ledger: one that is
 * throttled holds up the others only when the worker has as much in hand as it may. A record is acknowledged by its
 * own route; the mark of a shard waits for all of them.
 */
export class RoutingSink<Route extends string = string> implements RecordSink, AsyncDisposable {
  readonly takes: NonNullable<RecordSink['takes']>
  readonly #routes: ReadonlyMap<string, DeliveryStreamSink>
  readonly #route: (record: ConsumedRecord) => string

  /** @throws InvalidOptionError */
  constructor(options: RoutingSinkOptions<Route>) {
    checkKnownOptions('', options, ['routes', 'route'])
    const { routes, route } = options
    if (typeof route !== 'function') {
      throw new InvalidOptionError('route', `expected a function, found ${typeof route}`)
    }
    this.#routes = new Map(Object.entries<DeliveryStreamSink>(routes ?? {}))
    const [takes, ...others] = new Set([...this.#routes.values()].map(sink => sink.takes))
    if (takes === undefined) throw new InvalidOptionError('routes', 'expected at least one sink')
    if (others.length > 0) {
      throw new InvalidOptionError(
        'routes',
        "some deliver 'ciphertext' and some 'plaintext': one worker hands on one kind"
      )
    }
    this.takes = takes
    this.#route = route
  }

  /** Of each route; `offered` = `delivered` + `undeliverable` + `failed` + `inFlight` holds for each of them. */
  get stats(): Readonly<Record<Route, SinkStats>> {
    return Object.fromEntries([...this.#routes].map(([name, sink]) => [name, sink.stats])) as Record<
      Route,
      SinkStats
    >
  }

  /**
   * As `deliver` of each route's sink. Rejects when one of them does, once all are settled; what the others delivered
   * was told through `onAcknowledged`.
   */
  async deliver(
    records: readonly ConsumedRecord[],
    { signal, onAcknowledged }: DeliverOptions = {}
  ): Promise<readonly UndeliverableRecord[]> {
    const undeliverable: UndeliverableRecord[] = []
    const parts = new Map<DeliveryStreamSink, { records: ConsumedRecord[]; indices: number[] }>()
    for (const [index, record] of records.entries()) {
      const sink = this.#sinkOf(record)
      if (sink instanceof UndeliverableError) {
        undeliverable.push({ record, error: sink })
        continue
      }
      let part = parts.get(sink)
      if (part === undefined) {
        part = { records: [], indices: [] }
        parts.set(sink, part)
      }
      part.records.push(record)
      part.indices.push(index)
    }
    const deliveries = [...parts].map(([sink, part]) =>
      sink.deliver(part.records, {
        signal,
        onAcknowledged: onAcknowledged && (at => onAcknowledged(part.indices[at]!))
      })
    )
    // All of them first: a record must not be offered again while it is on its way.
    await Promise.allSettled(deliveries)
    for (const delivery of deliveries) undeliverable.push(...(await delivery))
    return undeliverable
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#routes.values()].map(sink => sink.flush()))
  }

  async close(options?: Parameters<DeliveryStreamSink['close']>[0]): Promise<void> {
    await Promise.all([...this.#routes.values()].map(sink => sink.close(options)))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #sinkOf(record: ConsumedRecord): DeliveryStreamSink | UndeliverableError {
    try {
      const name = this.#route(record)
      return this.#routes.get(name) ?? new UndeliverableError('its route is none of those given')
    } catch (error) {
      return new UndeliverableError('the route function threw', error)
    }
  }
}
