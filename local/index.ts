export type { Fault } from './aws-json.ts'
export { AwsError } from './aws-json.ts'
export type { FirehoseMetrics } from './firehose/metrics.ts'
export type {
  FirehoseTransformEvent,
  FirehoseTransformRecord,
  FirehoseTransformResponse
} from './firehose/processing/transform-event.ts'
export type { FirehoseFunction, FirehoseFunctions } from './firehose/processing/transform-function.ts'
export type { HecToken } from './hec/engine.ts'
export type { AcknowledgementQuestion, HecEvent } from './hec/store.ts'
export type { EncryptionContext } from './kms/grants.ts'
export type { KmsAuthorization, KmsAuthorize, KmsDecision } from './kms/request.ts'
export type { KmsLoggedRequest } from './kms/store.ts'
export type { FailReceiverRequest, ReceiverFault, ReceiverRequest, ReceiverResponse } from './receiver.ts'
export type { LocalHec, LocalReceiver, LocalSearch, ReceiverOptions, Receivers } from './receivers.ts'
export type { SearchDocument } from './search/store.ts'
export type {
  LocalClientConfig,
  LocalEngines,
  LocalFault,
  LocalOptions,
  LocalService,
  LocalServices
} from './start.ts'
export { startLocal } from './start.ts'
