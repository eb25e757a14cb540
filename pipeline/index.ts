export type {
  DeadLetterSource,
  DeadLetterSummary,
  ReplayEvent,
  ReplayResult,
  StoredDeadLetter
} from '../consumer/index.ts'
export { S3DeadLetterStore, SqsDeadLetterStore, surveyDeadLetters, Worker } from '../consumer/index.ts'
export type {
  DeaggregatedRecord,
  DeaggregateOptions,
  FirehoseTransformRecord,
  LambdaKinesisRecord
} from '../core/index.ts'
export {
  ClosedError,
  deaggregate,
  ErrorCode,
  InvalidOptionError,
  InvalidRecordError,
  isSealstreamError,
  KeyUnavailableError,
  MalformedAggregateError,
  MalformedReason,
  RecordFaultError,
  SealstreamError,
  ServiceError
} from '../core/index.ts'
export { kmsKeyring, rawAesKeyring } from '../crypto/index.ts'
export { DeliveryStreamSink } from '../firehose/index.ts'
export { Producer } from '../producer/index.ts'
export type {
  Pipeline,
  PipelineOptions,
  ProducerOverrides,
  ReplayOverrides,
  StoredRecord,
  WorkerOverrides
} from './create-pipeline.ts'
export { createPipeline } from './create-pipeline.ts'
export { ObjectReader, recordsOf } from './delivered-objects.ts'
export type { DeliveredPiece, DestinationReader, ReadingSources } from './destination-reader.ts'
export type { PlanDestination, ResolvedDestination } from './destinations.ts'
export { destinationNames } from './destinations.ts'
export type { Engine, ServiceClientConfig, ServiceName } from './engine.ts'
export { awsEngine, clientConfigOf, embeddedEngine, endpointEngine } from './engine.ts'
export type { DestinationSummary, LedgerDestination, LedgerSummary } from './ledger.ts'
export { Ledger } from './ledger.ts'
export type { PackedNeedles } from './plaintext-scan.ts'
export { PlaintextScan, packNeedles } from './plaintext-scan.ts'
export type { PipelinePlan, ResolvedPlan } from './plan.ts'
export { definePipeline } from './plan.ts'
export type {
  CloudTrailOptions,
  Evidence,
  EvidenceOptions,
  KeyUse,
  KeyUseLog,
  KeyUseOptions,
  LookUpEvents,
  PermissionEffect,
  PermissionOptions,
  PermissionRole,
  Proof,
  ProofResult,
  ProofSubject,
  RevocationOptions,
  RunProofsOptions,
  Verdict,
  VerdictFlaw,
  VerdictOptions,
  VerdictPlace
} from './proofs/index.ts'
export {
  evidenceOf,
  isIntact,
  keyUsesOfCloudTrail,
  ProofId,
  proveKeyUses,
  provePermissions,
  proveSameVerdicts,
  runProofs
} from './proofs/index.ts'
export type { SecretSource } from './secret.ts'
export { Secret } from './secret.ts'
export type { LineOpenerOptions, OpenedLine } from './stored-lines.ts'
export { LineOpener } from './stored-lines.ts'
export type { StreamReader } from './stream-readers.ts'
