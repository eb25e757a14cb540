/** Ends at the signal also while the source has nothing to say, such as an idle terminal. */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  while (!signal.aborted) {
    const next = await nextOrAbort(iterator, signal)
    if (next === undefined || next.done) return
    yield next.value
  }
}

/** No `Promise.race` with one lasting promise: that would keep every value until the promise settles. */
function nextOrAbort<T>(
  iterator: AsyncIterator<T>,
  signal: AbortSignal
): Promise<IteratorResult<T> | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined)
    signal.addEventListener('abort', onAbort, { once: true })
    iterator
      .next()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
