/** Counters of one worker, shared by its shard consumers. */
export interface WorkerCounters {
  read: number
  processed: number
  deadLettered: number
  filtered: number
  kinesisRecordsRead: number
  bytesRead: number
  retries: number
  checkpoints: number
  plaintextAccepted: number
  outOfRange: number
  malformedAggregates: number
}

export function newCounters(): WorkerCounters {
  return {
    read: 0,
    processed: 0,
    deadLettered: 0,
    filtered: 0,
    kinesisRecordsRead: 0,
    bytesRead: 0,
    retries: 0,
    checkpoints: 0,
    plaintextAccepted: 0,
    outOfRange: 0,
    malformedAggregates: 0
  }
}
