export { ErrorCode, isSealstreamError, SealstreamError } from '../../core/errors.ts'
export type { LocalClock, LocalInspect } from '../admin/control.ts'
export { AwsError } from '../aws-json.ts'
export type { FaultRule } from '../faults/fault-rule.ts'
export type { FaultLogEntry, LocalFaults, ScriptedFault } from '../faults/fault-script.ts'
export type { FaultFunctions, LocalOptions, LocalService } from '../services.ts'
export { type LocalClientConfig, type LocalEngines, type LocalServices, startLocal } from '../start.ts'
export type { LocalTls, TlsKeyPair } from '../tls.ts'
export { VirtualClock } from '../virtual-clock.ts'
export type { ContainerOptions } from './container.ts'
export { EngineStartError, type EngineStartReason } from './errors.ts'
export { type LocalContainer, type LocalContainerOptions, startLocalContainer } from './local-container.ts'
export {
  defaultLocalStackImage,
  type LocalStack,
  type LocalStackOptions,
  startLocalStack
} from './localstack.ts'
export type { RemoteControl } from './remote-control.ts'
