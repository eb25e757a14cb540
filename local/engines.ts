import type { Clock } from '../core/clock.ts'
import { type AuthorizeRequest, checkPermissions, type Permission, questionOf } from './authorization.ts'
import type { DynamodbEngine } from './dynamodb/engine.ts'
import { givenFirst, type LocalFault } from './faults/fault.ts'
import type { FaultScript } from './faults/fault-script.ts'
import {
  deliveryStreamNames,
  objectNames,
  queueNames,
  streamNames,
  tableNames
} from './faults/resource-names.ts'
import type { FirehoseEngine } from './firehose/engine.ts'
import type { RequestListener } from './http-server.ts'
import type { KinesisEngine } from './kinesis/engine.ts'
import type { KmsEngine } from './kms/engine.ts'
import type { CreatedReceivers } from './receivers.ts'
import type { S3Engine } from './s3/engine.ts'
import type { AskedOfS3 } from './s3/permissions.ts'
import type { DataKeyRequest } from './s3/store.ts'
import { accountId, type LocalOptions, type LocalService, region } from './services.ts'
import type { SqsEngine } from './sqs/engine.ts'
import type { StateFolder } from './state/index.ts'

type Input = Readonly<Record<string, unknown>>

/** The engines that run. */
export interface Engines {
  readonly kinesis: KinesisEngine | undefined
  readonly dynamodb: DynamodbEngine | undefined
  readonly kms: KmsEngine | undefined
  readonly s3: S3Engine | undefined
  readonly sqs: SqsEngine | undefined
  readonly firehose: FirehoseEngine | undefined
}

export interface EnginesOptions {
  readonly options: LocalOptions
  readonly services: readonly LocalService[]
  readonly clock: Clock
  readonly outputFolder: string
  readonly script: FaultScript
  readonly functions: Readonly<Partial<Record<LocalService, LocalFault>>>
  readonly receivers: Pick<CreatedReceivers, 'searchUrl' | 'redshiftUrl' | 'copy'>
  /** Where they keep what they hold; memory alone when undefined. */
  readonly state: StateFolder | undefined
}

/** Makes the engines that are asked for, with what the state folder holds; the code of the others is not loaded. */
export async function createEngines({
  options,
  services,
  clock,
  outputFolder,
  script,
  functions,
  receivers,
  state
}: EnginesOptions): Promise<Engines> {
  const base = { clock, region, accountId, state }
  const make = async <T>(service: LocalService, load: () => Promise<T>): Promise<T | undefined> =>
    services.includes(service) ? load() : undefined
  const fault = (
    service: LocalService,
    namesOf: (input: Readonly<Record<string, unknown>>) => readonly string[]
  ): { readonly fault: LocalFault } => ({
    fault: givenFirst(functions[service], (operation, input) =>
      script.decide(service, operation, () => namesOf(input))
    )
  })

  const { authorize } = options
  /** The question about a request, and the refusal if it is one; without a decision function nothing is asked. */
  const asking = <Input>(
    service: LocalService,
    permissionsOf: (operation: string, input: Input) => readonly Permission[]
  ): { readonly authorize?: AuthorizeRequest<Input> } =>
    authorize === undefined
      ? {}
      : {
          authorize: async (operation, input, principal) => {
            const permissions = permissionsOf(operation, input)
            const asked = permissions.map(permission => questionOf(service, { principal }, permission))
            await checkPermissions(authorize, asked, accountId)
          }
        }

  const [kinesis, kms, sqs] = await Promise.all([
    make('kinesis', async () => {
      const [{ createKinesisEngine }, { kinesisPermissions }] = await Promise.all([
        import('./kinesis/engine.ts'),
        import('./kinesis/permissions.ts')
      ])
      const engine: KinesisEngine = createKinesisEngine({
        ...base,
        throttle: options.throttle,
        statusDelayMs: options.statusDelayMs,
        subscriptionLifeMs: options.subscriptionLifeMs,
        maxStoredBytes: options.maxKinesisBytes,
        ...fault('kinesis', streamNames),
        ...asking('kinesis', (operation, input: Input) => kinesisPermissions(engine.store, operation, input))
      })
      return engine
    }),
    make('kms', async () => {
      const [{ createKmsEngine }, { keyNames }] = await Promise.all([
        import('./kms/engine.ts'),
        import('./kms/key-names.ts')
      ])
      const engine: KmsEngine = createKmsEngine({
        ...base,
        authorize,
        requestsPerSecond: options.kmsRequestsPerSecond,
        ...fault('kms', input => keyNames(engine.store, input))
      })
      return engine
    }),
    make('sqs', async () => {
      const [{ createSqsEngine }, { sqsPermissions }] = await Promise.all([
        import('./sqs/engine.ts'),
        import('./sqs/permissions.ts')
      ])
      const engine: SqsEngine = createSqsEngine({
        ...base,
        ...fault('sqs', queueNames),
        ...asking('sqs', (operation, input: Input) => sqsPermissions(engine.store, operation, input))
      })
      return engine
    })
  ])
  const s3 = await make('s3', async () => {
    const [{ createS3Engine }, { s3Permissions }] = await Promise.all([
      import('./s3/engine.ts'),
      import('./s3/permissions.ts')
    ])
    const engine: S3Engine = createS3Engine({
      ...base,
      folder: outputFolder,
      // Without KMS any key will do.
      dataKeyArnOf: kms && (request => s3DataKey(kms, request)),
      ...fault('s3', objectNames),
      ...asking('s3', (operation, request: AskedOfS3) => s3Permissions(engine.store, operation, request))
    })
    return engine
  })
  const firehose = await make('firehose', async () => {
    const [
      { createFirehoseEngine },
      { firehosePermissions },
      { noStreams, sourceStreams },
      { askingWriter },
      { s3Permissions }
    ] = await Promise.all([
      import('./firehose/engine.ts'),
      import('./firehose/permissions.ts'),
      import('./firehose/source/source-streams.ts'),
      import('./firehose/asking-writer.ts'),
      import('./s3/permissions.ts')
    ])
    const { authorize: ofObject } = asking('s3', (operation, request: AskedOfS3) =>
      s3Permissions(s3!.store, operation, request)
    )
    return createFirehoseEngine({
      ...base,
      // S3 runs wherever Firehose does.
      objects: ofObject === undefined ? s3!.store : askingWriter(s3!.store, ofObject),
      domainUrl: () => receivers.searchUrl(),
      redshiftUrl: () => receivers.redshiftUrl(),
      copy: receivers.copy,
      functions: options.firehoseFunctions,
      streams: kinesis === undefined ? noStreams : sourceStreams(kinesis.store),
      ...fault('firehose', deliveryStreamNames),
      ...asking('firehose', (operation, input: Input) => firehosePermissions(base, operation, input))
    })
  })
  // Last: it alone has something to close when another one fails.
  const dynamodb = await make('dynamodb', async () => {
    const [{ createDynamodbEngine }, { dynamodbPermissions }] = await Promise.all([
      import('./dynamodb/engine.ts'),
      import('./dynamodb/permissions.ts')
    ])
    return createDynamodbEngine({
      ...base,
      // Without KMS any key will do.
      keyArnOf:
        kms &&
        ((keyId, principal) =>
          kms.keyArnOf(keyId, { principal, viaService: `dynamodb.${region}.amazonaws.com` })),
      ...fault('dynamodb', tableNames),
      ...asking('dynamodb', (operation, input: Input) => dynamodbPermissions(base, operation, input))
    })
  })
  return { kinesis, dynamodb, kms, s3, sqs, firehose }
}

/** Asks KMS as S3 does, on behalf of who puts the object. */
async function s3DataKey(kms: KmsEngine, { keyId, resourceArn, principal }: DataKeyRequest): Promise<string> {
  const { KeyId: keyArn } = (await kms.call(
    'GenerateDataKey',
    { KeyId: keyId, KeySpec: 'AES_256', EncryptionContext: { 'aws:s3:arn': resourceArn } },
    { principal, viaService: `s3.${region}.amazonaws.com` }
  )) as { KeyId: string }
  return keyArn
}

/** What serves a service now; undefined when it does not run. */
export function listenerOf(engines: Engines, service: LocalService): RequestListener | undefined {
  return engines[service]?.listener
}
