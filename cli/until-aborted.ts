import { deferred } from '../core/concurrency.ts'

/** Ends at the signal also while the source has nothing to say, such as an idle terminal. */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  const aborted = deferred<undefined>()
  const onAbort = (): void => aborted.resolve(undefined)
  if (signal.aborted) return
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise])
      if (next === undefined || next.done) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
