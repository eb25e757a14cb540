import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { createHecEngine, type HecToken } from './hec/engine.ts'
import type { AcknowledgementQuestion, HecEvent, HecStore } from './hec/store.ts'
import type { RequestListener } from './http-server.ts'
import type { FailReceiverRequest } from './receiver.ts'
import { createCopyRunner, type FailCopy, type ObjectReader, type RunCopy } from './redshift/copy.ts'
import { CopyLog } from './redshift/copy-log.ts'
import { type LocalRedshift, type RedshiftOptions, startRedshift } from './redshift/engine.ts'
import { createSearchEngine } from './search/engine.ts'
import type { SearchDocument, SearchStore } from './search/store.ts'
import type { StateFolder } from './state/index.ts'

/** Services that are not AWS's, for Firehose to deliver to. */
export const localReceivers = ['search', 'hec', 'redshift'] as const
export type LocalReceiver = (typeof localReceivers)[number]

export interface ReceiverOptions {
  readonly search?: {
    /** @default any that is free */
    readonly port?: number
  }
  readonly hec?: {
    /** @default any that is free */
    readonly port?: number
    /** @default one that is told under `hec.token`, with acknowledgements; the same one with the same state folder */
    readonly tokens?: readonly HecToken[]
    /** Whether a request is indexed when it is polled for: never, late, on one channel alone. @default at once */
    readonly acknowledge?: (question: AcknowledgementQuestion) => boolean
  }
  readonly redshift?: RedshiftOptions
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
  /** The same, and lets go of them: what is taken again and again stays small, however much is delivered. */
  takeEvents(): readonly HecEvent[]
}

export interface Receivers {
  /** undefined unless `receivers` asks for it. A DomainARN of any domain stands for it. */
  readonly search: LocalSearch | undefined
  /** undefined unless `receivers` asks for it. */
  readonly hec: LocalHec | undefined
  /** undefined unless `receivers` asks for it. A ClusterJDBCURL of any cluster of AWS stands for it. */
  readonly redshift: LocalRedshift | undefined
}

/** Asked before every request of a receiver, and before every COPY. */
export interface ReceiverFaults {
  readonly search?: FailReceiverRequest | undefined
  readonly hec?: FailReceiverRequest | undefined
  readonly redshift?: FailCopy | undefined
}

/** What of Redshift can be looked at. */
export interface RedshiftStore {
  readonly query: LocalRedshift['query']
  readonly log: CopyLog
}

export interface CreatedReceivers {
  /** What has to listen, in this order. */
  readonly ports: readonly { readonly listener: RequestListener; readonly port: number | undefined }[]
  /** Tells the addresses, in the order of `ports`. */
  running(urls: readonly string[]): Receivers
  /** undefined when there is none, or none that listens yet. */
  searchUrl(): string | undefined
  /** ClusterJDBCURL of Redshift; undefined when there is none. */
  redshiftUrl(): string | undefined
  /** How a COPY reaches Redshift. */
  readonly copy: RunCopy
  /** What `reset` empties of the state folder. */
  readonly stateParts: readonly string[]
  /** Empties them, at the same addresses; a PostgreSQL that was there already is left alone. */
  reset(): Promise<void>
  readonly stores: {
    readonly search: SearchStore | undefined
    readonly hec: HecStore | undefined
    readonly redshift: RedshiftStore | undefined
  }
  close(): Promise<void>
}

/**
 * The receivers that are asked for, before they listen; Redshift listens already, and loads from `objects`.
 *
 * @throws {EngineStartError} when Redshift cannot be started
 */
export async function createReceivers(
  names: readonly LocalReceiver[],
  {
    objects,
    clock,
    options = {},
    faults = {},
    state
  }: {
    readonly objects: ObjectReader
    readonly clock: Clock
    readonly options?: ReceiverOptions | undefined
    readonly faults?: ReceiverFaults
    readonly state: StateFolder | undefined
  }
): Promise<CreatedReceivers> {
  const search = names.includes('search') ? createSearchEngine({ fault: faults.search, state }) : undefined
  const tokens = options.hec?.tokens ?? [{ token: names.includes('hec') ? ownToken(state) : '' }]
  const hec = names.includes('hec')
    ? createHecEngine({ ...options.hec, tokens, fault: faults.hec, state })
    : undefined
  const redshift = names.includes('redshift')
    ? await startRedshift({ ...(state && { folder: state.folderOf('redshift') }), ...options.redshift })
    : undefined
  const ports = [
    ...(search === undefined ? [] : [{ listener: search.listener, port: options.search?.port }]),
    ...(hec === undefined ? [] : [{ listener: hec.listener, port: options.hec?.port }])
  ]
  const log = new CopyLog(clock)
  let searchUrl: string | undefined
  return {
    ports,
    searchUrl: () => searchUrl,
    redshiftUrl: () => redshift?.local.jdbcUrl,
    copy: createCopyRunner({
      objects,
      connectionString: request => redshift?.connectionString(request),
      fault: faults.redshift,
      log
    }),
    close: async () => redshift?.close(),
    stateParts: names.filter(name => name !== 'redshift' || isInState(options.redshift)),
    stores: {
      search: search?.store,
      hec: hec?.store,
      redshift: redshift && { query: redshift.local.query, log }
    },
    async reset() {
      search?.store.clear()
      hec?.store.clear()
      await redshift?.reset()
      log.clear()
    },
    running(urls) {
      const addresses = [...urls]
      if (search !== undefined) searchUrl = addresses.shift()
      return {
        redshift: redshift?.local,
        hec:
          hec === undefined
            ? undefined
            : {
                url: addresses.shift()!,
                token: tokens[0]?.token ?? '',
                events: () => [...hec.store.events],
                takeEvents: () => hec.store.take()
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

/** Whether its data lies in the state folder, if there is one. */
function isInState({ url, folder }: RedshiftOptions = {}): boolean {
  return url === undefined && folder === undefined
}

/** Drawn once for a state folder: delivery streams that are kept name it. */
function ownToken(state: StateFolder | undefined): string {
  const document = state?.document('hec', 'token')
  const token = (document?.read() as string | undefined) ?? randomUUID()
  document?.write(token)
  return token
}
