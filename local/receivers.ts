import { randomUUID } from 'node:crypto'
import { createHecEngine, type HecToken } from './hec/engine.ts'
import type { AcknowledgementQuestion, HecEvent, HecStore } from './hec/store.ts'
import type { RequestListener } from './http-server.ts'
import type { FailReceiverRequest } from './receiver.ts'
import { createSearchEngine } from './search/engine.ts'
import type { SearchDocument, SearchStore } from './search/store.ts'

/** Services that are not AWS's, for Firehose to deliver to. */
export const localReceivers = ['search', 'hec'] as const
export type LocalReceiver = (typeof localReceivers)[number]

export interface ReceiverOptions {
  readonly search?: {
    /** @default any that is free */
    readonly port?: number
  }
  readonly hec?: {
    /** @default any that is free */
    readonly port?: number
    /** @default one that is told under `hec.token`, with acknowledgements */
    readonly tokens?: readonly HecToken[]
    /** Whether a request is indexed when it is polled for: never, late, on one channel alone. @default at once */
    readonly acknowledge?: (question: AcknowledgementQuestion) => boolean
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

/** The HTTP Event Collector of a Splunk that keeps events for tests. */
export interface LocalHec {
  /** What HECEndpoint has to be. */
  readonly url: string
  /** The first of its tokens. */
  readonly token: string
  /** In the order in which they came; those of requests that are never acknowledged too. */
  events(): readonly HecEvent[]
}

export interface Receivers {
  /** undefined unless `receivers` asks for it. A DomainARN of any domain stands for it. */
  readonly search: LocalSearch | undefined
  /** undefined unless `receivers` asks for it. */
  readonly hec: LocalHec | undefined
}

/** Asked before every request of a receiver. */
export interface ReceiverFaults {
  readonly search?: FailReceiverRequest | undefined
  readonly hec?: FailReceiverRequest | undefined
}

export interface CreatedReceivers {
  /** What has to listen, in this order. */
  readonly ports: readonly { readonly listener: RequestListener; readonly port: number | undefined }[]
  /** Tells the addresses, in the order of `ports`. */
  running(urls: readonly string[]): Receivers
  /** undefined when there is none, or none that listens yet. */
  searchUrl(): string | undefined
  /** Empties them, at the same addresses. */
  reset(): void
  readonly stores: { readonly search: SearchStore | undefined; readonly hec: HecStore | undefined }
}

/** The receivers that are asked for, before they listen. */
export function createReceivers(
  names: readonly LocalReceiver[],
  options: ReceiverOptions = {},
  faults: ReceiverFaults = {}
): CreatedReceivers {
  const search = names.includes('search') ? createSearchEngine({ fault: faults.search }) : undefined
  const tokens = options.hec?.tokens ?? [{ token: randomUUID() }]
  const hec = names.includes('hec')
    ? createHecEngine({ ...options.hec, tokens, fault: faults.hec })
    : undefined
  const ports = [
    ...(search === undefined ? [] : [{ listener: search.listener, port: options.search?.port }]),
    ...(hec === undefined ? [] : [{ listener: hec.listener, port: options.hec?.port }])
  ]
  let searchUrl: string | undefined
  return {
    ports,
    searchUrl: () => searchUrl,
    stores: { search: search?.store, hec: hec?.store },
    reset() {
      search?.store.clear()
      hec?.store.clear()
    },
    running(urls) {
      const addresses = [...urls]
      if (search !== undefined) searchUrl = addresses.shift()
      return {
        hec:
          hec === undefined
            ? undefined
            : {
                url: addresses.shift()!,
                token: tokens[0]?.token ?? '',
                events: () => [...hec.store.events]
              },
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
