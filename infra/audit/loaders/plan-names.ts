import type { ResolvedPlan } from '../../../pipeline/plan.ts'
import type { PipelineNames } from './live.ts'

/** What a plan says that there is, by name. */
export function namesOfPlan(plan: ResolvedPlan): PipelineNames {
  const { stream, sealing, consumer, destinations, deadLetters, roles } = plan
  return {
    stream: stream.name,
    envelopeKey: sealing.mode === 'off' ? undefined : sealing.keyId,
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
