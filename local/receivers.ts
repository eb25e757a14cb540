import type { RequestListener } from './http-server.ts'
import type { FailReceiverRequest } from './receiver.ts'
import { createSearchEngine } from './search/engine.ts'
import type { SearchDocument } from './search/store.ts'

/** Services that are not AWS's, for Firehose to deliver to. */
export type LocalReceiver = 'search'

export interface ReceiverOptions {
  readonly search?: {
    /** @default any that is free */
    readonly port?: number
    /** Scripted failures of whole requests. */
    readonly fault?: FailReceiverRequest
  }
}

/** A search index that understands enough of Elasticsearch and OpenSearch to deliver to, to count and to find. */
export interface LocalSearch {
  readonly url: string
  /** Names of the indices, in order. */
  indices(): readonly string[]
  /** Documents of an index in the order in which they came; none when there is no such index. */
  documents(index: string): readonly SearchDocument[]
}

export interface Receivers {
  /** undefined unless `receivers` asks for it. A DomainARN of any domain stands for it. */
  readonly search: LocalSearch | undefined
}

export interface CreatedReceivers {
  /** What has to listen, in this order. */
  readonly ports: readonly { readonly listener: RequestListener; readonly port: number | undefined }[]
  /** Tells the addresses, in the order of `ports`. */
  running(urls: readonly string[]): Receivers
  /** undefined when there is none, or none that listens yet. */
  searchUrl(): string | undefined
}

/** The receivers that are asked for, before they listen. */
export function createReceivers(
  names: readonly LocalReceiver[],
  options: ReceiverOptions = {}
): CreatedReceivers {
  const search = names.includes('search') ? createSearchEngine({ fault: options.search?.fault }) : undefined
  const ports = search === undefined ? [] : [{ listener: search.listener, port: options.search?.port }]
  let searchUrl: string | undefined
  return {
    ports,
    searchUrl: () => searchUrl,
    running(urls) {
      const addresses = [...urls]
      if (search !== undefined) searchUrl = addresses.shift()
      return {
        search:
          search === undefined
            ? undefined
            : {
                url: searchUrl!,
                indices: () => search.store.names,
                documents: index => (search.store.has(index) ? search.store.documents(index) : [])
              }
      }
    }
  }
}
