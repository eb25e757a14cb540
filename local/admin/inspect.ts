import type { DynamodbEngine, TableSummary } from '../dynamodb/engine.ts'
import type { DeliveryError } from '../firehose/delivery.ts'
import type { FirehoseStore } from '../firehose/store.ts'
import type { HecStore } from '../hec/store.ts'
import { isOpen, type Shard, sequenceNumberOf } from '../kinesis/shard.ts'
import type { KinesisStore, Stream } from '../kinesis/store.ts'
import type { KeyState } from '../kms/key.ts'
import type { KmsStore } from '../kms/store.ts'
import type { RedshiftStore } from '../receivers.ts'
import type { LoggedCopy } from '../redshift/copy-log.ts'
import { type RedshiftTableSummary, tableSummaries } from '../redshift/table-summaries.ts'
import type { SettingDocument, Versioning } from '../s3/bucket-settings.ts'
import { defaultEncryption, type SseAlgorithm } from '../s3/encryption.ts'
import type { S3Store } from '../s3/store.ts'
import { isDeleteMarker } from '../s3/versions.ts'
import type { SearchStore } from '../search/store.ts'
import type { SqsStore } from '../sqs/store.ts'

// What each engine holds, as plain data for JSON. No payload, no key and no material of a key is in it; names are.

/** Objects of one bucket that are named one by one. */
const maxListedObjects = 1_000

export interface KinesisInspection {
  /** Of all records, as `maxKinesisBytes` counts them. */
  readonly storedBytes: number
  readonly streams: readonly {
    readonly name: string
    readonly status: Stream['status']
    readonly mode: Stream['mode']
    readonly retentionHours: number
    readonly isEncrypted: boolean
    readonly consumers: readonly string[]
    readonly records: number
    /** Of data and partition keys. */
    readonly bytes: number
    readonly shards: readonly {
      readonly id: string
      readonly isOpen: boolean
      readonly parents: readonly string[]
      readonly records: number
      readonly bytes: number
      /** undefined while the shard holds nothing. */
      readonly lastSequenceNumber: string | undefined
    }[]
  }[]
}

export function inspectKinesis(store: KinesisStore): KinesisInspection {
  return {
    storedBytes: store.storedBytes,
    streams: store.streams.map(stream => {
      const shards = stream.shards.map(inspectShard)
      return {
        name: stream.name,
        status: stream.status,
        mode: stream.mode,
        retentionHours: stream.retentionHours,
        isEncrypted: stream.keyId !== undefined,
        consumers: stream.consumers.map(({ name }) => name),
        records: sum(shards.map(({ records }) => records)),
        bytes: sum(shards.map(({ bytes }) => bytes)),
        shards
      }
    })
  }
}

function inspectShard(shard: Shard): KinesisInspection['streams'][number]['shards'][number] {
  const { id, parents, records } = shard
  return {
    id,
    isOpen: isOpen(shard),
    parents,
    records: records.length,
    bytes: sum(Array.from({ length: records.length }, (_, index) => records.bytesAt(index))),
    lastSequenceNumber: records.length === 0 ? undefined : sequenceNumberOf(shard, records.nextOrdinal - 1)
  }
}

export interface DynamodbInspection {
  readonly tables: readonly TableSummary[]
}

export async function inspectDynamodb(engine: DynamodbEngine): Promise<DynamodbInspection> {
  return { tables: await engine.tables() }
}

export interface KmsInspection {
  /** Requests so far. */
  readonly requests: number
  readonly keys: readonly {
    readonly arn: string
    readonly state: KeyState
    readonly isMultiRegion: boolean
    readonly isRotationEnabled: boolean
    /** How often its material was replaced. */
    readonly rotations: number
    readonly grants: number
    readonly aliases: readonly string[]
  }[]
}

export function inspectKms(store: KmsStore): KmsInspection {
  return {
    requests: store.calls,
    keys: store.all().map(key => ({
      arn: key.arn,
      state: key.state,
      isMultiRegion: key.shared.isMultiRegion,
      isRotationEnabled: key.shared.rotation !== undefined,
      rotations: key.shared.materials.length - 1,
      grants: key.grants.size,
      aliases: store
        .aliasesOf(key.region)
        .filter(alias => alias.key === key)
        .map(({ name }) => name)
    }))
  }
}

export interface S3Inspection {
  readonly buckets: readonly {
    readonly name: string
    /** undefined for a bucket that never had it. */
    readonly versioning: Versioning | undefined
    /** Objects that are the newest version of their key; `bytes` are theirs. */
    readonly count: number
    readonly bytes: number
    /** Versions that are not the newest, without delete markers. */
    readonly olderVersions: number
    readonly olderBytes: number
    readonly deleteMarkers: number
    readonly encryption: { readonly algorithm: SseAlgorithm; readonly isBucketKeyEnabled: boolean }
    readonly hasPolicy: boolean
    readonly hasObjectLock: boolean
    /** Names of the other settings that it has. */
    readonly settings: readonly SettingDocument[]
    /** The first 1,000, in the order of their arrival. */
    readonly objects: readonly { readonly key: string; readonly bytes: number; readonly modifiedMs: number }[]
  }[]
}

export function inspectS3(store: S3Store): S3Inspection {
  return {
    buckets: store.buckets.map(({ name }) => {
      const objects = [...store.objectsOf(name).values()]
      const {
        versioning,
        encryption = defaultEncryption,
        policy,
        objectLock,
        documents
      } = store.settingsOf(name)
      const older = [...store.olderOf(name).values()].flat()
      const olderSizes = older.flatMap(version => (isDeleteMarker(version) ? [] : [version.sizeBytes]))
      return {
        name,
        versioning,
        count: objects.length,
        bytes: sum(objects.map(({ sizeBytes }) => sizeBytes)),
        olderVersions: olderSizes.length,
        olderBytes: sum(olderSizes),
        deleteMarkers: older.length - olderSizes.length,
        encryption: { algorithm: encryption.algorithm, isBucketKeyEnabled: encryption.isBucketKeyEnabled },
        hasPolicy: policy !== undefined,
        hasObjectLock: objectLock !== undefined,
        settings: Object.keys(documents) as SettingDocument[],
        objects: objects
          .slice(0, maxListedObjects)
          .map(({ key, sizeBytes, modifiedMs }) => ({ key, bytes: sizeBytes, modifiedMs }))
      }
    })
  }
}

export interface SqsInspection {
  readonly queues: readonly {
    readonly name: string
    readonly visible: number
    readonly inFlight: number
    readonly delayed: number
  }[]
}

export function inspectSqs(store: SqsStore): SqsInspection {
  return { queues: store.queues.map(({ name, counts }) => ({ name, ...counts })) }
}

export interface FirehoseInspection {
  readonly streams: readonly {
    readonly name: string
    readonly destination: 's3' | 'search' | 'splunk' | (string & {})
    /** One more with every update of the destination. */
    readonly version: number
    readonly isEncrypted: boolean
    /** Not delivered yet, copies for a backup included. */
    readonly bufferedBytes: number
    /** The latest failure of a delivery. */
    readonly lastError: DeliveryError | undefined
  }[]
}

export function inspectFirehose(store: FirehoseStore): FirehoseInspection {
  return {
    streams: store.all.map(({ name, version, destination, encryption, delivery, intake }) => ({
      name,
      destination: destination.settings.kind,
      version,
      isEncrypted: encryption !== undefined,
      bufferedBytes: intake.bufferedBytes,
      lastError: delivery.lastError
    }))
  }
}

export interface SearchInspection {
  /** Of all documents. */
  readonly bytes: number
  readonly indices: readonly { readonly name: string; readonly documents: number }[]
}

export function inspectSearch(store: SearchStore): SearchInspection {
  return {
    bytes: store.bytes,
    indices: store.names.map(name => ({ name, documents: store.documents(name).length }))
  }
}

export interface HecInspection {
  readonly events: number
  /** Of the requests that brought them. */
  readonly bytes: number
  readonly channels: number
  /** Requests that are not acknowledged yet. */
  readonly pendingAcknowledgements: number
}

export function inspectHec(store: HecStore): HecInspection {
  const { channels, acknowledgements } = store.pending
  return {
    events: store.events.length,
    bytes: store.bytes,
    channels,
    pendingAcknowledgements: acknowledgements
  }
}

export interface RedshiftInspection {
  readonly tables: readonly RedshiftTableSummary[]
  /** The last 1,000 COPYs since the start, oldest first, those that failed included. */
  readonly copies: readonly LoggedCopy[]
}

export async function inspectRedshift({ query, log }: RedshiftStore): Promise<RedshiftInspection> {
  return { tables: await tableSummaries(query), copies: log.copies }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
