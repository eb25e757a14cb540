import type { StateFolder, StateLog } from '../state/index.ts'
import type { Source } from './mapping.ts'
import type { SearchDocument } from './store.ts'

/** What happened to an index. A document comes with its numbers, which go on from there. */
export type SearchEntry =
  | { readonly index: string; readonly mappings: unknown; readonly sequenceNumber: number }
  | ({ readonly index: string } & SavedDocument)
  | { readonly index: string; readonly removed: string }
  | { readonly index: string; readonly deleted: true }

interface SavedDocument {
  readonly id: string
  readonly source: Source
  readonly version: number
  readonly sequenceNumber: number
}

/** One index as the journal writes it anew. */
export interface SavedIndex {
  readonly name: string
  readonly mappings: unknown
  readonly sequenceNumber: number
  readonly documents: Iterable<SearchDocument>
}

/** A log of what happens to indices and documents. */
export class SearchJournal {
  readonly #log: StateLog

  /** `read` takes every entry that was written; `indices`: what the store holds, asked when the log is written anew. */
  constructor(
    state: StateFolder,
    read: (entry: SearchEntry) => void,
    indices: () => readonly (SavedIndex & { readonly count: number })[]
  ) {
    this.#log = state.log('search', {
      name: 'documents',
      read: entry => {
        read(entry as SearchEntry)
        return undefined
      },
      live: {
        count: () => indices().reduce((sum, { count }) => sum + count + 1, 0),
        *entries() {
          for (const { name: index, mappings, sequenceNumber, documents } of indices()) {
            for (const { id, source, version, sequenceNumber: number } of documents) {
              yield { index, id, source, version, sequenceNumber: number }
            }
            yield { index, mappings, sequenceNumber }
          }
        }
      }
    })
  }

  add(entry: SearchEntry): void {
    this.#log.append(entry)
  }

  clear(): void {
    this.#log.clear()
  }

  flush(): void {
    this.#log.flush()
  }
}
