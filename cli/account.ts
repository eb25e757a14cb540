import { withoutRetries } from '../core/sdk-client.ts'
import type { AccountService, ReadAccount } from '../infra/index.ts'
import type { ServiceClientConfig } from '../pipeline/index.ts'
import { UsageError } from './exit-code.ts'

const clients: Readonly<Record<AccountService, readonly [packageName: string, client: string]>> = {
  kinesis: ['@aws-sdk/client-kinesis', 'KinesisClient'],
  kms: ['@aws-sdk/client-kms', 'KMSClient'],
  s3: ['@aws-sdk/client-s3', 'S3Client'],
  sqs: ['@aws-sdk/client-sqs', 'SQSClient'],
  dynamodb: ['@aws-sdk/client-dynamodb', 'DynamoDBClient'],
  firehose: ['@aws-sdk/client-firehose', 'FirehoseClient'],
  iam: ['@aws-sdk/client-iam', 'IAMClient'],
  ec2: ['@aws-sdk/client-ec2', 'EC2Client'],
  lambda: ['@aws-sdk/client-lambda', 'LambdaClient'],
  logs: ['@aws-sdk/client-cloudwatch-logs', 'CloudWatchLogsClient'],
  cloudwatch: ['@aws-sdk/client-cloudwatch', 'CloudWatchClient'],
  events: ['@aws-sdk/client-eventbridge', 'EventBridgeClient'],
  cloudhsm: ['@aws-sdk/client-cloudhsm-v2', 'CloudHSMV2Client'],
  kinesisanalytics: ['@aws-sdk/client-kinesis-analytics-v2', 'KinesisAnalyticsV2Client'],
  iot: ['@aws-sdk/client-iot', 'IoTClient'],
  rds: ['@aws-sdk/client-rds', 'RDSClient'],
  redshift: ['@aws-sdk/client-redshift', 'RedshiftClient'],
  es: ['@aws-sdk/client-opensearch', 'OpenSearchClient'],
  glue: ['@aws-sdk/client-glue', 'GlueClient']
}

/** Those that every pipeline of an account is read from. */
export const accountServices = [
  'kinesis',
  'kms',
  's3',
  'sqs',
  'dynamodb',
  'firehose',
  'iam',
  'ec2',
  'lambda',
  'logs',
  'cloudwatch',
  'events'
] as const satisfies readonly AccountService[]

/** Those that the engines have. */
export const localServices = [
  'kinesis',
  'kms',
  's3',
  'sqs',
  'dynamodb',
  'firehose'
] as const satisfies readonly AccountService[]

/** As every client of the SDK is: made of a configuration, sends commands, and is destroyed. */
interface Client {
  send(command: object): Promise<object>
  destroy(): void
}

type Module = Readonly<Record<string, new (input: object) => Client>>

export interface Account {
  readonly read: ReadAccount
  close(): void
}

/** @throws UsageError with the one line that installs what is missing */
export async function openAccount(
  services: readonly AccountService[],
  configOf: (service: AccountService) => ServiceClientConfig
): Promise<Account> {
  const modules = new Map<AccountService, Module>()
  const missing: string[] = []
  for (const service of services) {
    const [packageName] = clients[service]
    try {
      modules.set(service, (await import(packageName)) as Module)
    } catch {
      missing.push(packageName)
    }
  }
  if (missing.length > 0) {
    throw new UsageError(`to read an account, some clients are missing: npm i -D ${missing.join(' ')}`)
  }
  const opened = new Map<AccountService, Client>()
  return {
    async read({ service, operation, input }) {
      const module = modules.get(service)!
      const client =
        opened.get(service) ??
        new module[clients[service][1]]!({ ...withoutRetries(), maxAttempts: 3, ...configOf(service) })
      opened.set(service, client)
      return client.send(new module[`${operation}Command`]!(input))
    },
    close() {
      for (const client of opened.values()) client.destroy()
    }
  }
}
