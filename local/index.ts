export type { LocalClock, LocalInspect } from './admin/control.ts'
export type {
  DynamodbInspection,
  FirehoseInspection,
  HecInspection,
  KinesisInspection,
  KmsInspection,
  RedshiftInspection,
  S3Inspection,
  SearchInspection,
  SqsInspection
} from './admin/inspect.ts'
export type {
  AuthorizationContext,
  LocalAuthorization,
  LocalAuthorize,
  LocalDecision
} from './authorization.ts'
export { AwsError } from './aws-json.ts'
export type { CopyFault, FailEntry, Fault, LocalFault, ReceiverFault } from './faults/fault.ts'
export type { FaultKind, FaultRule, WrongAnswer } from './faults/fault-rule.ts'
export type { FaultLogEntry, LocalFaults, ScriptedFault } from './faults/fault-script.ts'
export type { FaultService } from './faults/service-faults.ts'
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
export type { KmsLoggedRequest } from './kms/store.ts'
export type { FailReceiverRequest, ReceiverRequest, ReceiverResponse } from './receiver.ts'
export type { LocalHec, LocalReceiver, LocalSearch, ReceiverOptions, Receivers } from './receivers.ts'
export type { CopyAttempt, FailCopy } from './redshift/copy.ts'
export type { LocalRedshift, RedshiftOptions } from './redshift/engine.ts'
export type { SearchDocument } from './search/store.ts'
export type { FaultFunctions, LocalOptions, LocalService } from './services.ts'
export type { LocalClientConfig, LocalEngines, LocalServices } from './start.ts'
export { startLocal } from './start.ts'
export { StateError } from './state/index.ts'
export { EngineStartError, type EngineStartReason } from './testing/errors.ts'
export type { LocalTls, TlsKeyPair } from './tls.ts'
export { VirtualClock } from './virtual-clock.ts'
