import type { KinesisReaderPort } from '../../core/aws-ports.ts'
import type { FakeKinesis } from './fake-kinesis.ts'

/** Several streams behind one port, told apart by name as by the service. */
export function severalStreams(...streams: readonly FakeKinesis[]): KinesisReaderPort {
  const named = (name: string | undefined): FakeKinesis => streams.find(stream => stream.name === name)!
  return {
    listShards: input => named(input.StreamName).listShards(input),
    describeStreamSummary: input => named(input.StreamName).describeStreamSummary(),
    async getShardIterator(input) {
      const { ShardIterator, $metadata } = await named(input.StreamName).getShardIterator(input)
      return { ShardIterator: `${input.StreamName}|${ShardIterator}`, $metadata }
    },
    async getRecords(input, options) {
      const [name, ShardIterator] = input.ShardIterator!.split('|')
      const answer = await named(name).getRecords({ ...input, ShardIterator }, options)
      const { NextShardIterator: next } = answer
      return { ...answer, ...(next === undefined ? {} : { NextShardIterator: `${name}|${next}` }) }
    }
  }
}
