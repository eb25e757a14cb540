export type { Fault } from './aws-json.ts'
export { AwsError } from './aws-json.ts'
export type { HecToken } from './hec/engine.ts'
export type { AcknowledgementQuestion, HecEvent } from './hec/store.ts'
export type { EncryptionContext } from './kms/grants.ts'
export type { KmsAuthorization, KmsAuthorize, KmsDecision } from './kms/request.ts'
export type { KmsLoggedRequest } from './kms/store.ts'
export type { FailReceiverRequest, ReceiverFault, ReceiverRequest, ReceiverResponse } from './receiver.ts'
export type { LocalHec, LocalReceiver, LocalSearch, ReceiverOptions, Receivers } from './receivers.ts'
export type { LocalRedshift, RedshiftOptions } from './redshift/engine.ts'
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
export { StateError } from './state/index.ts'
export { EngineStartError, type EngineStartReason } from './testing/errors.ts'
