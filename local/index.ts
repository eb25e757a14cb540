export type { Fault } from './aws-json.ts'
export { AwsError } from './aws-json.ts'
export type {
  LocalClientConfig,
  LocalEngines,
  LocalFault,
  LocalOptions,
  LocalService,
  LocalServices
} from './start.ts'
export { startLocal } from './start.ts'
