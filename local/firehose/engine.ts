import { type AwsJsonOptions, awsJson } from '../aws-json.ts'
import type { RequestListener } from '../http-server.ts'
import {
  createDeliveryStream,
  deleteDeliveryStream,
  describeDeliveryStream,
  listDeliveryStreams
} from './actions/delivery-streams.ts'
import { type FailDeliveryEntry, putRecord, putRecordBatch } from './actions/put-records.ts'
import { FirehoseStore, type FirehoseStoreOptions } from './store.ts'

export interface FirehoseEngineOptions extends FirehoseStoreOptions {
  readonly fault?: AwsJsonOptions['fault']
  /** Scripted failures of single entries of PutRecordBatch. */
  readonly failEntry?: FailDeliveryEntry | undefined
}

export interface FirehoseEngine {
  readonly listener: RequestListener
  readonly store: FirehoseStore
  /** Bytes of all delivery streams that are not in an object yet. */
  readonly bufferedBytes: number
  /** Writes what is buffered now. Returns also when a write has failed and will be tried again. */
  flush(): Promise<void>
  /** Ends the timers; what is buffered is dropped. Resolves when no write is under way. */
  close(): Promise<void>
}

/** Data Firehose with direct puts and delivery to S3, over AWS JSON 1.1. */
export function createFirehoseEngine(options: FirehoseEngineOptions): FirehoseEngine {
  const store = new FirehoseStore(options)
  return {
    store,
    get bufferedBytes() {
      return store.all.reduce((sum, { delivery }) => sum + delivery.bufferedBytes, 0)
    },
    async flush() {
      await Promise.all(store.all.map(({ delivery }) => delivery.flush()))
    },
    async close() {
      await Promise.all(store.all.map(({ delivery }) => delivery.discard()))
    },
    listener: awsJson({
      targetPrefix: 'Firehose_20150804',
      contentType: 'application/x-amz-json-1.1',
      ...(options.fault === undefined ? {} : { fault: options.fault }),
      // 4 MiB of data in base64, and what stands around it.
      maxBodyBytes: 7 * 1024 * 1024,
      actions: {
        CreateDeliveryStream: createDeliveryStream(store),
        DescribeDeliveryStream: describeDeliveryStream(store),
        ListDeliveryStreams: listDeliveryStreams(store),
        DeleteDeliveryStream: deleteDeliveryStream(store),
        PutRecord: putRecord(store),
        PutRecordBatch: putRecordBatch(store, options.failEntry)
      }
    })
  }
}
