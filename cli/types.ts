import type { LocalEngines } from '../local/index.ts'
import type { Engine, LedgerSummary, PipelinePlan, ReadingSources } from '../pipeline/index.ts'
import type { InputLine, ParseOptions } from './input.ts'
import type { RunProgress } from './run-progress.ts'

export type OnBadLine = 'fail' | 'skip' | 'dead-letter'

export interface JobOptions {
  readonly plan: PipelinePlan
  readonly engine: Engine
  /** The engines of this process; undefined where nothing stored can be looked into. */
  readonly local: LocalEngines | undefined
  /** Where the content of destinations is found that are not S3. */
  readonly sources: ReadingSources
  /** Whether missing resources are made. */
  readonly provision: boolean
  /** Lines, a handful at a time. */
  readonly input: AsyncIterable<readonly InputLine[]>
  readonly parse: ParseOptions
  readonly onBadLine: OnBadLine
  readonly workers: number
  /** How far the run came before, and how it goes on; undefined for a run that begins anew every time. */
  readonly progress: RunProgress | undefined
  /** SIGKILL one worker in the middle, after this many lines. */
  readonly killAfterLines?: number
  /** Put into some records by the demo, and looked for in everything that was stored. */
  readonly canaries: () => readonly Buffer[]
  /** Longest time without any progress before the job gives up, in milliseconds. */
  readonly stallTimeoutMs: number
  readonly onProgress: (progress: Progress) => void
  /** One line about something that happened. */
  readonly onNote: (note: string) => void
  /** Tell more, such as which process is which worker. */
  readonly verbose: boolean
  /** Aborted to drain early: what was accepted is delivered, nothing more is read. */
  readonly signal: AbortSignal
}

export interface Progress {
  readonly phase: 'starting' | 'running' | 'draining' | 'done'
  /** From the first record put to the latest delivery, in milliseconds; 0 before there is one. */
  readonly flowMs: number
  readonly ledger: LedgerSummary
  /** Accepted records that were put before the run was interrupted, and not again. */
  readonly passedOver: number
  readonly bytesIn: number
  readonly kinesisRecords: number
  /** Lag of the slowest shard, in milliseconds. */
  readonly lagMs: number
  readonly producerBufferedBytes: number
  readonly firehoseBufferedBytes: number | undefined
  readonly workers: readonly {
    readonly workerId: string
    readonly state: string
    readonly leases: number
    readonly processed: number
  }[]
}

export interface Takeover {
  readonly victim: string
  readonly leases: readonly { readonly leaseKey: string; readonly by: string; readonly afterMs: number }[]
}

export interface Sample {
  readonly shardId: string
  readonly sequenceNumber: string
  readonly partitionKey: string
  /** As Kinesis stores it. */
  readonly stored: Buffer
  /** As the destination got it. */
  readonly delivered: Buffer
  readonly objectKey: string
}

/**
 * What came to a destination: distinct records that were read there; where nothing can be read, user records that the
 * workers handed over and had acknowledged, again ones counted again; or why nothing was delivered there at all.
 */
export type DestinationOutcome = number | { readonly acknowledged: number } | { readonly unavailable: string }

export interface JobResult {
  readonly ledger: LedgerSummary
  /** Accepted records that were put before the run was interrupted, and not again: no other figure counts them. */
  readonly passedOver: number
  /** Lines that never were accepted: over the limit, or passed over as bad. */
  readonly refused: number
  /** The first bad line, when such a line ends the job. */
  readonly badLine: string | undefined
  readonly plaintextFoundAtRest: number | null
  readonly bytesIn: number
  readonly bytesSealed: number
  readonly kinesisRecords: number
  readonly kmsCalls: number
  readonly elapsedMs: number
  /** From the first record put to the last delivery, in milliseconds: what a rate is measured over. */
  readonly flowMs: number
  readonly objects: number
  /** By name: those that can be read in the order of the plan, then the others. */
  readonly destinations: Readonly<Record<string, DestinationOutcome>>
  /** Highest resident memory seen of any process of the job, in bytes. */
  readonly peakResidentBytes: number
  readonly takeover: Takeover | undefined
  readonly sample: Sample | undefined
  readonly interrupted: boolean
  /** Why the job could not finish by itself. */
  readonly failure: Error | undefined
}
