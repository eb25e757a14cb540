import { ErrorCode, SealstreamError } from '../core/errors.ts'
import type { DeliveredPiece, DestinationReader } from './destination-reader.ts'
import type { ResolvedSearchDestination } from './destinations.ts'

interface Hit {
  readonly _id: string
  readonly _source: Readonly<Record<string, unknown>>
  readonly sort: readonly [number]
}

/** Far below the window of 10,000 hits that a search has by default. */
const pageDocuments = 1_000
/** What stands behind the name of an index: 2026-07-13-14, 2026-07-13, 2026-w28 or 2026-07. */
const timeOfRotation = /^\d{4}-(w\d\d|\d\d(-\d\d){0,2})$/

/**
 * Reads the documents of an index, or of all those that its rotation makes, over the HTTP API: by pages, in the order
 * of their sequence numbers, so each as often as it was written. That order is one of a shard: an index with several
 * primary shards may be read with gaps, which count as lost. Without authentication.
 */
export class DocumentReader implements DestinationReader {
  readonly identity = 'json'
  readonly #url: string
  readonly #indexName: string
  readonly #rotates: boolean
  readonly #removes: boolean
  /** Last sequence number that was read of each index. */
  readonly #last = new Map<string, number>()

  /** With `remove` documents are removed once they were read. */
  constructor(
    url: string,
    { indexName, indexRotation }: Pick<ResolvedSearchDestination, 'indexName' | 'indexRotation'>,
    { remove = false }: { readonly remove?: boolean } = {}
  ) {
    this.#url = url.replace(/\/$/, '')
    this.#indexName = indexName
    this.#rotates = indexRotation !== 'NoRotation'
    this.#removes = remove
  }

  async skipExisting(): Promise<void> {
    for (const index of await this.#indices()) {
      for await (const _ of this.#pages(index)) {
        // The place that was read to is what counts.
      }
    }
  }

  async *readNew(signal?: AbortSignal): AsyncGenerator<DeliveredPiece> {
    for (const index of await this.#indices(signal)) {
      for await (const hits of this.#pages(index, signal)) {
        yield { place: index, records: hits.map(hit => hit._source) }
        if (this.#removes) await this.#remove(index, hits, signal)
      }
    }
  }

  async #indices(signal?: AbortSignal): Promise<readonly string[]> {
    const found = (await this.#call('GET', '_cat/indices?format=json', undefined, signal)) as {
      readonly index: string
    }[]
    return found.map(({ index }) => index).filter(index => this.#isOurs(index))
  }

  #isOurs(index: string): boolean {
    if (!this.#rotates) return index === this.#indexName
    const start = `${this.#indexName}-`
    return index.startsWith(start) && timeOfRotation.test(index.slice(start.length))
  }

  async *#pages(index: string, signal?: AbortSignal): AsyncGenerator<readonly Hit[]> {
    await this.#call('POST', `${encodeURIComponent(index)}/_refresh`, undefined, signal)
    for (;;) {
      const last = this.#last.get(index)
      const query = {
        size: pageDocuments,
        track_total_hits: false,
        sort: [{ _seq_no: 'asc' }],
        ...(last === undefined ? {} : { search_after: [last] })
      }
      const found = (await this.#call(
        'POST',
        `${encodeURIComponent(index)}/_search`,
        JSON.stringify(query),
        signal
      )) as { readonly hits: { readonly hits: readonly Hit[] } }
      const { hits } = found.hits
      if (hits.length === 0) return
      this.#last.set(index, hits.at(-1)!.sort[0])
      yield hits
      if (hits.length < pageDocuments) return
    }
  }

  async #remove(index: string, hits: readonly Hit[], signal?: AbortSignal): Promise<void> {
    const lines = hits.map(({ _id }) => `${JSON.stringify({ delete: { _index: index, _id } })}\n`)
    await this.#call('POST', '_bulk', lines.join(''), signal)
  }

  async #call(
    method: string,
    path: string,
    body: string | undefined,
    signal: AbortSignal | undefined
  ): Promise<unknown> {
    const response = await fetch(`${this.#url}/${path}`, {
      method,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/x-ndjson' } }),
      ...(signal === undefined ? {} : { signal })
    })
    if (response.ok) return response.json()
    await response.body?.cancel()
    throw new SealstreamError(
      ErrorCode.service,
      `search index: ${method} ${path.split('?')[0]} was answered with status ${response.status}`
    )
  }
}
