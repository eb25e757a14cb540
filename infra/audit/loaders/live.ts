import { isCustomerKey } from '../keys.ts'
import type { AuditModel, AuditResource, DeclaredReaders } from '../model.ts'
import { isObject, textAt } from '../readers.ts'
import type { TemplateScope } from '../template/resource-names.ts'
import { AccountReader, type AccountService, type ReadAccount } from './account/account-reader.ts'
import { readDeliveryStream } from './account/delivery-streams.ts'
import { readKey } from './account/keys.ts'
import { readRole } from './account/roles.ts'
import { readBucket, readQueue, readTable } from './account/storage.ts'
import { readStream } from './account/streams.ts'
import { readAlarms, readEndpoints, readLogGroup } from './account/surroundings.ts'
import { type NeighbourNames, readNeighbours } from './neighbours.ts'
import { collectPolicies } from './policies.ts'

/** What belongs to a pipeline, by name. */
export interface PipelineNames {
  readonly stream: string
  /** Ids, ARNs or aliases of the keys that records are sealed with: one, or one for each tenant. */
  readonly envelopeKeys: readonly string[]
  readonly tables: readonly string[]
  /** Names or URLs. */
  readonly queues: readonly string[]
  readonly buckets: readonly string[]
  readonly deliveryStreams: readonly string[]
  /** Readers of the stream that are meant to be. @default none is held against a list */
  readonly readers?: DeclaredReaders
  /** Those of delivery streams and their functions are found by themselves. */
  readonly roles: readonly string[]
  /** Services beside the pipeline. @default none */
  readonly neighbours?: NeighbourNames
}

export interface LiveOptions {
  readonly read: ReadAccount
  /** Services that can be asked; of others nothing is known. */
  readonly services: ReadonlySet<AccountService>
  /** `local` for engines, which have no roles and no networks. @default 'live' */
  readonly source?: 'live' | 'local'
  /** Where the names do not tell it. @default account 123456789012 in us-east-1 */
  readonly scope?: TemplateScope
}

const defaultScope: TemplateScope = { partition: 'aws', region: 'us-east-1', accountId: '123456789012' }

/**
 * Reads what a pipeline consists of, in some ninety calls: its resources, the keys that they name, and the roles that they
 * have. A read that is refused is in `failedReads`, and what it would have told is `unknownValue`.
 *
 * @throws what `read` rejects with when a service cannot be reached
 */
export async function loadLive(names: PipelineNames, options: LiveOptions): Promise<AuditModel> {
  const reader = new AccountReader(options.read, options.services)
  const resources: AuditResource[] = [...(await readStream(reader, names.stream))]
  const scope = scopeOf(resources[0]?.arn) ?? options.scope ?? defaultScope
  const add = async (found: Promise<readonly AuditResource[]>): Promise<void> => {
    for (const each of await found) {
      // Aliases and roles of several resources are the same.
      if (!resources.some(({ type, arn }) => type === each.type && arn === each.arn)) resources.push(each)
    }
  }
  for (const table of names.tables) await add(readTable(reader, table))
  for (const queue of names.queues) await add(readQueue(reader, queue))
  for (const bucket of new Set(names.buckets)) await add(readBucket(reader, scope.partition, bucket))
  for (const bucket of valuesNamed(resources, /^DestinationBucketName$/)) {
    if (!names.buckets.includes(bucket)) await add(readBucket(reader, scope.partition, bucket))
  }
  for (const name of names.deliveryStreams) await add(readDeliveryStream(reader, name))
  await add(readNeighbours(reader, scope, names.neighbours ?? {}))
  for (const name of valuesNamed(resources, /^LogGroupName$/)) await add(readLogGroup(reader, scope, name))
  // Before the others: what an alias means only the service can tell.
  const envelope: AuditResource[] = []
  for (const key of names.envelopeKeys) envelope.push(...(await readKey(reader, key)))
  await add(Promise.resolve(envelope))
  for (const key of valuesNamed(resources, /key.*(id|arn)$/i).filter(isCustomerKey)) {
    if (!isKnownKey(resources, key)) await add(readKey(reader, key))
  }
  if (reader.has('iam')) {
    const roleArns = valuesNamed(resources, /(role.*arn|ServiceExecutionRole)$/i)
    const roleNames = [...names.roles, ...roleArns].map(role => role.slice(role.lastIndexOf('/') + 1))
    for (const role of new Set(roleNames)) await add(readRole(reader, role))
  }
  await add(readEndpoints(reader, scope))
  await add(readAlarms(reader))
  return {
    source: options.source ?? 'live',
    ...scope,
    resources,
    ...collectPolicies(resources, scope),
    envelopeKeyArns: envelope.filter(({ type }) => type === 'AWS::KMS::Key').map(({ arn }) => arn),
    ...(names.readers === undefined ? {} : { declaredReaders: names.readers }),
    unresolved: [],
    failedReads: reader.failedReads
  }
}

function scopeOf(arn: string | undefined): TemplateScope | undefined {
  const [, partition, , region, accountId] = arn?.split(':') ?? []
  if (partition === undefined || region === undefined || accountId === undefined) return undefined
  return { partition, region, accountId }
}

/** Texts that stand under a property of such a name, wherever it is. */
function valuesNamed(resources: readonly AuditResource[], name: RegExp): readonly string[] {
  const found: string[] = []
  const look = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) look(each)
    else if (isObject(value)) {
      for (const [member, each] of Object.entries(value)) {
        if (typeof each === 'string' && name.test(member)) found.push(each)
        else look(each)
      }
    }
  }
  for (const { properties } of resources) look(properties)
  return [...new Set(found)]
}

function isKnownKey(resources: readonly AuditResource[], reference: string): boolean {
  const alias = resources.find(
    ({ type, id, arn }) => type === 'AWS::KMS::Alias' && (id === reference || arn === reference)
  )
  const target = textAt(alias?.properties, 'TargetKeyId') ?? reference
  return resources.some(({ type, id, arn }) => type === 'AWS::KMS::Key' && (id === target || arn === target))
}
