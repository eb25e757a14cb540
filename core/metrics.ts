/** Units as CloudWatch names them. */
export type MetricUnit = 'Count' | 'Bytes' | 'Milliseconds' | 'None'

export type MetricDimensions = Readonly<Record<string, string>>

/**
 * Takes measurements: the port to CloudWatch, OpenTelemetry or whatever the service has. Called often, so it should
 * add up and send later; it must not throw.
 */
export interface Metrics {
  /** One measurement. Equal dimensions come as the same object, so that they can be the key of a map. */
  put(name: string, unit: MetricUnit, value: number, dimensions: MetricDimensions): void
}

/** Measurements of one name and one set of dimensions, added up: a statistic set in CloudWatch's words. */
export interface MetricStatistics {
  readonly name: string
  readonly unit: MetricUnit
  readonly dimensions: MetricDimensions
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Adds measurements up in memory until somebody takes them. */
export class MetricsRecorder implements Metrics {
  readonly #statistics = new Map<string, Map<MetricDimensions, Writable<MetricStatistics>>>()

  put(name: string, unit: MetricUnit, value: number, dimensions: MetricDimensions): void {
    let byDimensions = this.#statistics.get(name)
    if (byDimensions === undefined) {
      byDimensions = new Map()
      this.#statistics.set(name, byDimensions)
    }
    const known = byDimensions.get(dimensions)
    if (known === undefined) {
      byDimensions.set(dimensions, { name, unit, dimensions, count: 1, sum: value, min: value, max: value })
      return
    }
    known.count += 1
    known.sum += value
    if (value < known.min) known.min = value
    if (value > known.max) known.max = value
  }

  /** What came since the last `take`, and begins anew. */
  take(): readonly MetricStatistics[] {
    const taken = [...this.#statistics.values()].flatMap(byDimensions => [...byDimensions.values()])
    this.#statistics.clear()
    return taken
  }
}
