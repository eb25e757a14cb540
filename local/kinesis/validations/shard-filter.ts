import { AwsError } from '../../aws-json.ts'
import { validateOneOf } from './stream.ts'

export type ShardFilter =
  | { readonly type: 'AFTER_SHARD_ID'; readonly shardId: string }
  | { readonly type: 'AT_TIMESTAMP' | 'FROM_TIMESTAMP'; readonly ms: number }
  | { readonly type: 'AT_LATEST' | 'AT_TRIM_HORIZON' | 'FROM_TRIM_HORIZON' }

const types = [
  'AFTER_SHARD_ID',
  'AT_TRIM_HORIZON',
  'FROM_TRIM_HORIZON',
  'AT_LATEST',
  'AT_TIMESTAMP',
  'FROM_TIMESTAMP'
] as const

/** Without a filter all shards from the trim horizon on are listed, as AWS has it. */
export function validateShardFilter(filter: unknown): ShardFilter {
  if (filter === undefined || filter === null) return { type: 'FROM_TRIM_HORIZON' }
  const { Type, ShardId, Timestamp } = filter as Readonly<Record<string, unknown>>
  const type = validateOneOf('shardFilter.type', Type, types)
  switch (type) {
    case 'AFTER_SHARD_ID':
      if (typeof ShardId === 'string') return { type, shardId: ShardId }
      throw missing('ShardId', type)
    case 'AT_TIMESTAMP':
    case 'FROM_TIMESTAMP':
      if (typeof Timestamp === 'number') return { type, ms: Math.round(Timestamp * 1000) }
      throw missing('Timestamp', type)
    case 'AT_LATEST':
    case 'AT_TRIM_HORIZON':
    case 'FROM_TRIM_HORIZON':
      return { type }
  }
}

function missing(member: string, type: string): AwsError {
  return new AwsError(
    'InvalidArgumentException',
    `${member} must be specified in ShardFilter when its Type is ${type}.`
  )
}
