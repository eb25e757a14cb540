import type { S3Client } from '@aws-sdk/client-s3'
import { DocumentReader } from './delivered-documents.ts'
import { type DeliveredEvent, EventReader } from './delivered-events.ts'
import { ObjectReader, recordsOf, staticPrefix } from './delivered-objects.ts'
import { RowReader, type RowSource } from './delivered-rows.ts'
import type { ResolvedDestination } from './destinations.ts'
import type { Engine } from './engine.ts'
import { type RecordContent, type RecordIdentity, withoutMember } from './record-identity.ts'
import type { LineOpener } from './stored-lines.ts'

/** Some records as a destination holds them. */
export interface DeliveredPiece {
  /** Where they stand: the key of an object, the name of an index, and so on. */
  readonly place: string
  readonly records: Iterable<RecordContent>
}

/** Reads what a destination holds, each record once. */
export interface DestinationReader {
  /** How the records are told apart. */
  readonly identity: RecordIdentity
  /** Passes over what is there now. */
  skipExisting(): Promise<void>
  /** What came since the last call. */
  readNew(signal?: AbortSignal): AsyncGenerator<DeliveredPiece>
}

/** Where the content of destinations is found that neither S3 nor the plan leads to. */
export interface ReadingSources {
  /** Address of the search index behind a domain. */
  readonly searchUrl?: string
  /** Documents are removed once they were read, so that a long run holds its memory: only for an index of the run. */
  readonly removeDocuments?: boolean
  /** Events that came since the last call; a real Splunk shows none. */
  readonly takeEvents?: () => readonly DeliveredEvent[]
  readonly rows?: RowSource
}

export interface DestinationReaderOptions {
  readonly s3: S3Client
  readonly sources: ReadingSources
  readonly engine: Engine['kind']
  /** Opens what was delivered as ciphertext. */
  readonly lines: () => LineOpener
}

/**
 * The reader of a destination; undefined where its content cannot be seen from here, as that of a domain of AWS. It
 * reads user records as they were put: opened, and without the record id that the sink put in.
 */
export function destinationReader(
  destination: ResolvedDestination,
  options: DestinationReaderOptions
): DestinationReader | undefined {
  const reader = storedReader(destination, options)
  if (reader === undefined) return undefined
  if (destination.deliver === 'ciphertext') return opening(reader, options.lines())
  const { recordIdField } = destination
  return recordIdField === undefined ? reader : leavingOut(reader, recordIdField)
}

function opening(reader: DestinationReader, lines: LineOpener): DestinationReader {
  return {
    identity: 'bytes',
    skipExisting: () => reader.skipExisting(),
    async *readNew(signal) {
      for await (const { place, records } of reader.readNew(signal)) {
        const opened: RecordContent[] = []
        for (const line of records) opened.push(...(await openedLine(line, lines)))
        yield { place, records: opened }
      }
    }
  }
}

/** What cannot be opened stays as it is: it is not what was put. */
async function openedLine(line: RecordContent, lines: LineOpener): Promise<readonly RecordContent[]> {
  if (!(line instanceof Uint8Array)) return [line]
  const { records, faults } = await lines.open(Buffer.from(line.buffer, line.byteOffset, line.byteLength))
  return faults.length > 0 ? [...records, line] : records
}

function leavingOut(reader: DestinationReader, member: string): DestinationReader {
  return {
    identity: 'json',
    skipExisting: () => reader.skipExisting(),
    async *readNew(signal) {
      for await (const { place, records } of reader.readNew(signal)) {
        yield { place, records: Array.from(records, record => withoutMember(record, member)) }
      }
    }
  }
}

function storedReader(
  destination: ResolvedDestination,
  { s3, sources, engine }: DestinationReaderOptions
): DestinationReader | undefined {
  switch (destination.kind) {
    case 's3':
      return s3Reader(new ObjectReader(s3, destination.bucket, staticPrefix(destination.prefix)), destination)
    case 'elasticsearch':
    case 'opensearch': {
      // A domain of AWS takes signed requests alone.
      const url = sources.searchUrl ?? (engine === 'aws' ? undefined : destination.endpoint)
      return url === undefined
        ? undefined
        : new DocumentReader(url, destination, { remove: sources.removeDocuments ?? false })
    }
    case 'redshift':
      return sources.rows === undefined ? undefined : new RowReader(sources.rows, destination)
    case 'splunk':
      return sources.takeEvents === undefined
        ? undefined
        : new EventReader(sources.takeEvents, destination.endpointType)
  }
}

function s3Reader(
  objects: ObjectReader,
  { framing }: Pick<ResolvedDestination, 'framing'>
): DestinationReader {
  return {
    identity: 'bytes',
    skipExisting: () => objects.skipExisting(),
    async *readNew(signal) {
      for await (const { key, body } of objects.readNew(signal)) {
        yield { place: key, records: recordsOf(body, framing) }
      }
    }
  }
}
