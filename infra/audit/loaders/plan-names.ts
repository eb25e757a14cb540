import type { ResolvedPlan } from '../../../pipeline/plan.ts'
import type { PipelineNames } from './live.ts'

/** What a plan says that there is, by name. */
export function namesOfPlan(plan: ResolvedPlan): PipelineNames {
  const { stream, sealing, consumer, destinations, deadLetters, roles } = plan
  return {
    stream: stream.name,
    envelopeKeys: envelopeKeysOf(sealing),
    tables: [consumer.applicationName],
    queues: deadLetters.kind === 'sqs' ? [deadLetters.queue] : [],
    buckets: [...new Set([...destinations.map(({ bucket }) => bucket), deadLetters.bucket])],
    deliveryStreams: destinations.map(({ deliveryStreamName }) => deliveryStreamName),
    roles: [
      roles.producerName,
      roles.consumerName,
      roles.operatorName,
      ...(roles.replayer ? [roles.replayerName] : [])
    ]
  }
}

function envelopeKeysOf({ mode, keyId, tenants }: ResolvedPlan['sealing']): readonly string[] {
  if (mode === 'off') return []
  return tenants.length > 0 ? tenants.map(tenant => tenant.keyId) : [keyId]
}
