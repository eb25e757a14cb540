import type { ResolvedPlan } from '../../../pipeline/plan.ts'
import { failureQueues, sourcedDeliveries } from '../../plan-readers.ts'
import { iotPolicyName, iotRuleName, securityConfiguration } from '../../plan-services.ts'
import type { DeclaredReaders } from '../model.ts'
import type { PipelineNames } from './live.ts'
import type { NeighbourNames } from './neighbours.ts'

/**
 * What a plan says that there is, by name.
 * @param isProvisioned whether `provision()` made it, which makes nothing for other readers of the stream
 */
export function namesOfPlan(plan: ResolvedPlan, isProvisioned = false): PipelineNames {
  const { stream, sealing, consumer, destinations, deadLetters, roles } = plan
  const deliveries = [...destinations, ...(isProvisioned ? [] : sourcedDeliveries(plan))]
  return {
    stream: stream.name,
    envelopeKeys: envelopeKeysOf(sealing),
    tables: [consumer.applicationName],
    queues: [
      ...(deadLetters.kind === 'sqs' ? [deadLetters.queue] : []),
      ...(isProvisioned ? [] : failureQueues(plan))
    ],
    buckets: [...new Set([...deliveries.map(({ bucket }) => bucket), deadLetters.bucket])],
    deliveryStreams: deliveries.map(({ deliveryStreamName }) => deliveryStreamName),
    readers: readersOf(plan),
    roles: [
      roles.producerName,
      roles.consumerName,
      roles.operatorName,
      ...(roles.replayer ? [roles.replayerName] : [])
    ],
    neighbours: isProvisioned ? {} : neighboursOf(plan)
  }
}

/**
 * Clusters and domains that it delivers to, where they are ones of AWS, and the services beside it that have a name of the
 * plan's. A cluster of HSMs gets its id from the service, and of a database the plan knows no name.
 */
function neighboursOf(plan: ResolvedPlan): NeighbourNames {
  const { destinations, services } = plan
  const { flink, iot, glue, redshift, openSearch } = services
  const searchDomains = destinations.flatMap(destination =>
    destination.kind === 'opensearch' || destination.kind === 'elasticsearch'
      ? (/:domain\/(.+)$/.exec(destination.domainArn ?? '')?.[1] ?? [])
      : []
  )
  const redshiftClusters = destinations.flatMap(destination =>
    destination.kind === 'redshift'
      ? (/^jdbc:redshift:\/\/([^.:/]+)(\.[\w-]+){2}\.redshift\.amazonaws\./.exec(destination.jdbcUrl)?.[1] ??
        [])
      : []
  )
  return {
    searchDomains: [...new Set([...searchDomains, ...nameOf(openSearch)])],
    redshiftClusters: [...new Set([...redshiftClusters, ...nameOf(redshift)])],
    ...(flink === undefined ? {} : { flinkApplications: [flink.name] }),
    ...(iot === undefined ? {} : { thingPolicies: [iotPolicyName(plan)], topicRules: [iotRuleName(plan)] }),
    ...(glue === undefined
      ? {}
      : {
          glueDatabases: [glue.database],
          glueSecurityConfigurations: [securityConfiguration(plan)],
          glueConnections: nameOf(glue.connection)
        })
  }
}

function nameOf(service: { readonly name: string } | undefined): readonly string[] {
  return service === undefined ? [] : [service.name]
}

const consumerType = 'AWS::Kinesis::StreamConsumer'
const mappingType = 'AWS::Lambda::EventSourceMapping'

function readersOf({ stream, consumer }: ResolvedPlan): DeclaredReaders {
  const unnamed = stream.readers.flatMap(reader => {
    if (reader.kind === 'kcl') return [consumerType]
    // Whoever makes the mapping may have it read by fan-out.
    return reader.kind === 'lambda' && nameOfFunction(reader) === undefined ? [mappingType, consumerType] : []
  })
  return {
    consumers: consumer.retrieval === 'fan-out' ? [consumer.applicationName] : [],
    functions: stream.readers.flatMap(reader =>
      reader.kind === 'lambda' ? (nameOfFunction(reader) ?? []) : []
    ),
    unnamed: [...new Set(unnamed)]
  }
}

function nameOfFunction({
  functionArn,
  functionName,
  qualifier
}: Extract<ResolvedPlan['stream']['readers'][number], { kind: 'lambda' }>): string | undefined {
  return functionArn ?? (functionName === undefined ? undefined : `${functionName}:${qualifier}`)
}

function envelopeKeysOf({ mode, keyId, tenants }: ResolvedPlan['sealing']): readonly string[] {
  if (mode === 'off') return []
  return tenants.length > 0 ? tenants.map(tenant => tenant.keyId) : [keyId]
}
