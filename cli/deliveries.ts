import {
  type DeliveredPiece,
  type DestinationReader,
  destinationNames,
  type LedgerDestination,
  type Pipeline,
  type ReadingSources,
  type ResolvedDestination
} from '../pipeline/index.ts'
import { UsageError } from './exit-code.ts'

interface Watched extends LedgerDestination {
  readonly kind: ResolvedDestination['kind']
  readonly reader: DestinationReader
}

/** What comes to the destinations of a plan, as far as it can be seen from here. */
export class Deliveries {
  /** Those that can be read, in the order of the plan. */
  readonly destinations: readonly Watched[]
  /** Names of the others: a run knows of them only that its workers got their acknowledgement. */
  readonly unseen: readonly string[]

  constructor(pipeline: Pipeline, sources: ReadingSources) {
    const names = destinationNames(pipeline.plan.destinations)
    const readers = pipeline.plan.destinations.map(destination => pipeline.createReader(destination, sources))
    this.unseen = names.filter((_, index) => readers[index] === undefined)
    this.destinations = pipeline.plan.destinations.flatMap(({ kind }, index) => {
      const reader = readers[index]
      return reader === undefined ? [] : [{ kind, name: names[index]!, identity: reader.identity, reader }]
    })
    if (this.destinations.length === 0) {
      throw new UsageError(
        `nothing that is delivered to ${names.join(', ')} can be read from here: the plan needs a destination such as s3`
      )
    }
  }

  /** Passes over what is there now. */
  async skipExisting(): Promise<void> {
    for (const { reader } of this.destinations) await reader.skipExisting()
  }

  /** What came since the last call; `destination` is the place in `destinations`. */
  async *readNew(): AsyncGenerator<{ readonly destination: number; readonly piece: DeliveredPiece }> {
    for (const [destination, { reader }] of this.destinations.entries()) {
      for await (const piece of reader.readNew()) yield { destination, piece }
    }
  }
}
