import type { WorkerEvent, WorkerStats } from '../consumer/index.ts'
import type { Engine, PipelinePlan } from '../pipeline/index.ts'

/** What the command tells a worker process. */
export type ToWorker =
  | {
      readonly type: 'start'
      readonly workerId: string
      readonly plan: PipelinePlan
      readonly engine: Engine
    }
  | { readonly type: 'stop' }

/** What a worker process tells the command. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'stats'; readonly stats: WorkerStats; readonly residentBytes: number }
  | { readonly type: 'event'; readonly event: WorkerEvent }
  | {
      readonly type: 'deadLettered'
      readonly sequenceNumber: string
      readonly subSequenceNumbers: readonly number[] | undefined
    }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly message: string; readonly exitCode: number }
