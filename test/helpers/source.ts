import type { ReadBatch, RecordSource } from '../../consumer/retrieval/record-source.ts'
import { type FakeClock, settle } from './fake-clock.ts'

/** The next batch, with as much time as it takes, up to `ms`. */
export async function nextBatch(
  source: RecordSource,
  clock: FakeClock,
  signal: AbortSignal,
  ms = 0
): Promise<ReadBatch | 'waiting'> {
  let batch: ReadBatch | 'waiting' = 'waiting'
  let isSettled = false
  const reading = source.next(signal).then(read => {
    batch = read
  })
  reading.then(
    () => {
      isSettled = true
    },
    () => {
      isSettled = true
    }
  )
  for (let passed = 0; passed <= ms && !isSettled; passed += 100) {
    if (passed > 0) await clock.advance(100)
    else await settle()
  }
  if (isSettled) await reading
  return batch
}

export const textsOf = (batch: ReadBatch | 'waiting'): string[] => {
  if (batch === 'waiting') throw new Error('no batch came')
  return batch.records.map(({ Data }) => Buffer.from(Data!).toString())
}
