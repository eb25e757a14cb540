import type { Clock } from '../../core/clock.ts'
import { type AwsJsonOptions, awsJson } from '../aws-json.ts'
import type { RequestListener } from '../http-server.ts'
import type { RunCopy } from '../redshift/copy.ts'
import type { StateFolder } from '../state/index.ts'
import { savingActions } from '../state/saving.ts'
import {
  createDeliveryStream,
  deleteDeliveryStream,
  describeDeliveryStream,
  listDeliveryStreams
} from './actions/delivery-streams.ts'
import { startDeliveryStreamEncryption, stopDeliveryStreamEncryption } from './actions/encryption.ts'
import { putRecord, putRecordBatch } from './actions/put-records.ts'
import { listTagsForDeliveryStream, tagDeliveryStream, untagDeliveryStream } from './actions/tags.ts'
import { updateDestinationAction } from './actions/update-destination.ts'
import { type HttpSend, networkSend } from './destinations/http-send.ts'
import type { ObjectWriter } from './destinations/s3.ts'
import type { FirehoseFunctions } from './processing/transform-function.ts'
import type { SourceStreams } from './source/source-streams.ts'
import { FirehoseStore } from './store.ts'
import { firehoseTypes } from './wire-types.ts'

export interface FirehoseEngineOptions {
  readonly clock: Clock
  readonly region: string
  readonly accountId: string
  /** Where objects are written. */
  readonly objects: ObjectWriter
  /** How destinations outside of AWS are reached. @default over the network */
  readonly send?: HttpSend
  /** Address of the search domain that an ARN stands for; undefined when there is none. @default none */
  readonly domainUrl?: (arn: string) => string | undefined
  /** What stands behind the LambdaArn of a processor. @default nothing */
  readonly functions?: FirehoseFunctions | undefined
  /** Kinesis streams that delivery streams can read from. */
  readonly streams: SourceStreams
  /** How a COPY reaches Redshift. */
  readonly copy: RunCopy
  /** ClusterJDBCURL of the Redshift receiver; undefined when there is none. @default none */
  readonly redshiftUrl?: () => string | undefined
  /** Where everything is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
  readonly fault?: AwsJsonOptions['fault']
  readonly authorize?: AwsJsonOptions['authorize']
}

export interface FirehoseEngine {
  readonly listener: RequestListener
  readonly store: FirehoseStore
  /** Bytes of all delivery streams that are not delivered yet. */
  readonly bufferedBytes: number
  /** Delivers what was accepted before the last process ended; destinations have to be there. */
  start(): void
  /** Whether a delivery is under way that does not wait for time to pass. */
  readonly isBusy: boolean
  /** Delivers what is buffered now. Returns also when nothing goes on before time has passed. */
  flush(): Promise<void>
  /** Ends the timers; what is buffered is dropped, or stays in the state folder. Resolves when no write is under way. */
  close(): Promise<void>
}

/**
 * Data Firehose with direct puts and Kinesis streams as sources, over AWS JSON 1.1, and delivery to S3, Elasticsearch,
 * OpenSearch, Splunk and Redshift.
 */
export function createFirehoseEngine(options: FirehoseEngineOptions): FirehoseEngine {
  const store = new FirehoseStore({
    ...options,
    functions: options.functions ?? {},
    send: options.send ?? networkSend(options.clock)
  })
  const none = (): undefined => undefined
  const rules = { domainUrl: options.domainUrl ?? none, redshiftUrl: options.redshiftUrl ?? none }
  return {
    store,
    get bufferedBytes() {
      return store.all.reduce((sum, { intake }) => sum + intake.bufferedBytes, 0)
    },
    start: () => store.start(),
    get isBusy() {
      return store.all.some(({ intake }) => intake.isBusy)
    },
    async flush() {
      await Promise.all(store.all.map(stream => store.flush(stream)))
    },
    async close() {
      await Promise.all(store.all.map(stream => store.stop(stream)))
    },
    listener: awsJson({
      targetPrefix: 'Firehose_20150804',
      contentType: 'application/x-amz-json-1.1',
      types: firehoseTypes,
      fault: options.fault,
      authorize: options.authorize,
      // 4 MiB of data in base64, and what stands around it.
      maxBodyBytes: 7 * 1024 * 1024,
      actions: savingActions(
        {
          CreateDeliveryStream: createDeliveryStream(store, rules),
          UpdateDestination: updateDestinationAction(store, rules),
          DescribeDeliveryStream: describeDeliveryStream(store),
          ListDeliveryStreams: listDeliveryStreams(store),
          DeleteDeliveryStream: deleteDeliveryStream(store),
          StartDeliveryStreamEncryption: startDeliveryStreamEncryption(store),
          StopDeliveryStreamEncryption: stopDeliveryStreamEncryption(store),
          TagDeliveryStream: tagDeliveryStream(store),
          UntagDeliveryStream: untagDeliveryStream(store),
          ListTagsForDeliveryStream: listTagsForDeliveryStream(store),
          PutRecord: putRecord(store),
          PutRecordBatch: putRecordBatch(store)
        },
        operation => store.save(operation)
      )
    })
  }
}
