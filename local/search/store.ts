import { randomBytes } from 'node:crypto'
import type { StateFolder } from '../state/index.ts'
import { SearchError } from './errors.ts'
import { type SearchEntry, SearchJournal } from './journal.ts'
import { Mapping, type Source } from './mapping.ts'

export interface SearchDocument {
  readonly index: string
  readonly id: string
  readonly source: Source
  /** From 1, one more at every write. */
  readonly version: number
  readonly sequenceNumber: number
}

export interface WriteResult {
  readonly document: SearchDocument
  readonly result: 'created' | 'updated'
}

interface SearchIndex {
  readonly mapping: Mapping
  readonly documents: Map<string, SearchDocument>
  sequenceNumber: number
}

/** Sources that all indices hold together, in bytes of JSON; beyond it writes are refused with 429. */
const maxBytes = 512 * 1024 * 1024

/** Indices by name, with their documents in the order in which they came. In memory, and in the state folder if any. */
export class SearchStore {
  readonly #indices = new Map<string, SearchIndex>()
  readonly #journal: SearchJournal | undefined
  #bytes = 0

  /** @throws {StateError} when the state folder cannot be used */
  constructor(state?: StateFolder) {
    if (state === undefined) return
    this.#journal = new SearchJournal(
      state,
      entry => this.#read(entry),
      () =>
        [...this.#indices].map(([name, { mapping, documents, sequenceNumber }]) => ({
          name,
          mappings: mapping.description,
          sequenceNumber,
          documents: documents.values(),
          count: documents.size
        }))
    )
  }

  /** Writes what has changed to the state folder, if there is one. */
  save(): void {
    this.#journal?.flush()
  }

  /** In the order of their names. */
  get names(): readonly string[] {
    return [...this.#indices.keys()].sort()
  }

  has(index: string): boolean {
    return this.#indices.has(index)
  }

  create(index: string, mappings?: unknown): void {
    if (this.#indices.has(index)) {
      throw new SearchError(400, 'resource_already_exists_exception', `index [${index}] already exists`)
    }
    if (!/^[^A-Z\\/*?"<>| ,#:_+-][^A-Z\\/*?"<>| ,#:]{0,254}$/.test(index)) {
      throw new SearchError(400, 'invalid_index_name_exception', `Invalid index name [${index}]`)
    }
    this.#indices.set(index, { mapping: new Mapping(mappings), documents: new Map(), sequenceNumber: 0 })
    this.#journal?.add({ index, mappings, sequenceNumber: 0 })
  }

  /** Adds fields to an index. @throws {SearchError} 400 for a field that has another type already */
  mergeMapping(index: string, properties: unknown): void {
    const { mapping, sequenceNumber } = this.#index(index)
    try {
      mapping.merge(properties)
    } finally {
      // Those before the wrong one have been added.
      this.#journal?.add({ index, mappings: mapping.description, sequenceNumber })
    }
  }

  clear(): void {
    this.#indices.clear()
    this.#bytes = 0
    this.#journal?.clear()
  }

  /** Sources of all indices, in bytes of JSON. */
  get bytes(): number {
    return this.#bytes
  }

  delete(index: string): void {
    for (const { source } of this.#index(index).documents.values()) this.#bytes -= sizeOf(source)
    this.#indices.delete(index)
    this.#journal?.add({ index, deleted: true })
  }

  mapping(index: string): Mapping {
    return this.#index(index).mapping
  }

  documents(index: string): readonly SearchDocument[] {
    return [...this.#index(index).documents.values()]
  }

  get(index: string, id: string): SearchDocument | undefined {
    return this.#index(index).documents.get(id)
  }

  /**
   * Stores a document, makes the index when it is not there, and the id when none is given.
   * @throws {SearchError} 409 for `mustBeNew` and an id that is taken; 400 when the mapping does not fit
   */
  write(index: string, id: string | undefined, source: Source, mustBeNew = false): WriteResult {
    if (!this.#indices.has(index)) this.create(index)
    const found = this.#index(index)
    const documentId = id ?? randomBytes(15).toString('base64url')
    if (documentId.length > 512) {
      throw new SearchError(
        400,
        'illegal_argument_exception',
        'id is too long, must be no longer than 512 bytes'
      )
    }
    const previous = found.documents.get(documentId)
    if (mustBeNew && previous !== undefined) {
      throw new SearchError(
        409,
        'version_conflict_engine_exception',
        `[${documentId}]: version conflict, document already exists`
      )
    }
    const bytes = this.#bytes + sizeOf(source) - (previous === undefined ? 0 : sizeOf(previous.source))
    if (bytes > maxBytes) {
      throw new SearchError(429, 'circuit_breaking_exception', 'the local engine holds no more documents')
    }
    found.mapping.accept(source)
    this.#bytes = bytes
    const document = {
      index,
      id: documentId,
      source,
      version: (previous?.version ?? 0) + 1,
      sequenceNumber: found.sequenceNumber++
    }
    found.documents.set(documentId, document)
    const { version, sequenceNumber } = document
    this.#journal?.add({ index, id: documentId, source, version, sequenceNumber })
    return { document, result: previous === undefined ? 'created' : 'updated' }
  }

  /** Whether there was such a document. */
  remove(index: string, id: string): boolean {
    const found = this.#index(index)
    const document = found.documents.get(id)
    if (document === undefined) return false
    this.#bytes -= sizeOf(document.source)
    found.sequenceNumber += 1
    this.#journal?.add({ index, removed: id })
    return found.documents.delete(id)
  }

  /**
   * Names of indices that a comma-separated expression with `*` stands for.
   * @throws {SearchError} 404 when a name without `*` is not there
   */
  resolve(expression: string): readonly string[] {
    const names = new Set<string>()
    for (const part of expression.split(',')) {
      if (part === '_all' || part.includes('*')) {
        for (const name of this.names) if (part === '_all' || matchesPattern(part, name)) names.add(name)
      } else {
        this.#index(part)
        names.add(part)
      }
    }
    return [...names]
  }

  #read(entry: SearchEntry): void {
    const { index } = entry
    const found = this.#indices.get(index)
    if ('deleted' in entry) {
      for (const { source } of found?.documents.values() ?? []) this.#bytes -= sizeOf(source)
      this.#indices.delete(index)
    } else if ('removed' in entry) {
      const document = found?.documents.get(entry.removed)
      if (found === undefined || document === undefined) return
      this.#bytes -= sizeOf(document.source)
      found.sequenceNumber += 1
      found.documents.delete(entry.removed)
    } else if ('source' in entry) {
      const { id, source, version, sequenceNumber } = entry
      const into = found ?? { mapping: new Mapping(undefined), documents: new Map(), sequenceNumber: 0 }
      this.#indices.set(index, into)
      const previous = into.documents.get(id)
      this.#bytes += sizeOf(source) - (previous === undefined ? 0 : sizeOf(previous.source))
      into.mapping.accept(source)
      into.documents.set(id, { index, id, source, version, sequenceNumber })
      into.sequenceNumber = sequenceNumber + 1
    } else {
      const { mappings, sequenceNumber } = entry
      const documents = found?.documents ?? new Map<string, SearchDocument>()
      this.#indices.set(index, { mapping: new Mapping(mappings), documents, sequenceNumber })
    }
  }

  #index(index: string): SearchIndex {
    const found = this.#indices.get(index)
    if (found === undefined) {
      throw new SearchError(404, 'index_not_found_exception', `no such index [${index}]`)
    }
    return found
  }
}

/** Whether `text` fits `pattern`, in which `*` stands for any text and `?` for one character.. */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0
  let from = 0
  let star = -1
  let mark = 0
  while (at < text.length) {
    if (pattern[from] === '*') {
      star = from++
      mark = at
    } else if (from < pattern.length && (pattern[from] === '?' || pattern[from] === text[at])) {
      from += 1
      at += 1
    } else if (star >= 0) {
      from = star + 1
      at = ++mark
    } else {
      return false
    }
  }
  while (pattern[from] === '*') from += 1
  return from === pattern.length
}

function sizeOf(source: Source): number {
  return Buffer.byteLength(JSON.stringify(source))
}
