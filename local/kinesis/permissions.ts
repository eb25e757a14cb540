import type { Permission } from '../authorization.ts'
import { streamNames } from '../faults/resource-names.ts'
import type { KinesisStore } from './store.ts'
import { decodeToken } from './tokens.ts'

type Input = Readonly<Record<string, unknown>>

const aboutNone: readonly string[] = ['ListStreams', 'DescribeLimits']

/** What a request is allowed by; the stream or consumer need not be there. */
export function kinesisPermissions(
  store: KinesisStore,
  operation: string,
  input: Input
): readonly Permission[] {
  const resource = aboutNone.includes(operation) ? '*' : (resourceArn(store, operation, input) ?? '*')
  return [{ action: `kinesis:${operation}`, resource, resourcePolicy: policyOf(store, resource) }]
}

function resourceArn(store: KinesisStore, operation: string, input: Input): string | undefined {
  const given = [input.ConsumerARN, input.ResourceARN].find(arn => typeof arn === 'string')
  if (given !== undefined) return given
  const stream = streamArn(store, operation, input)
  // One that is registered is not there yet: it is the stream that has to let it.
  if (stream === undefined || operation === 'RegisterStreamConsumer') return stream
  if (typeof input.ConsumerName !== 'string') return stream
  const consumer = store.streams
    .find(({ arn }) => arn === stream)
    ?.consumers.find(({ name }) => name === input.ConsumerName)
  return consumer?.arn ?? `${stream}/consumer/${input.ConsumerName}`
}

function streamArn(store: KinesisStore, operation: string, input: Input): string | undefined {
  if (typeof input.StreamARN === 'string') return input.StreamARN
  const { region, accountId } = store.options
  // A listing that goes on names its stream in its token.
  const name = streamNames(input)[0] ?? decodeToken(operation, input.NextToken, store.clock)?.stream
  return name === undefined ? undefined : `arn:aws:kinesis:${region}:${accountId}:stream/${name}`
}

function policyOf({ streams }: KinesisStore, resource: string): string | undefined {
  return streams.flatMap(stream => [stream, ...stream.consumers]).find(({ arn }) => arn === resource)?.policy
}
