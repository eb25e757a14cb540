import type { Action } from '../../aws-json.ts'
import { isOpen } from '../shard.ts'
import type { KinesisStore } from '../store.ts'

// Of an account in us-east-1 (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html).
const shardLimit = 20_000
const onDemandStreamLimit = 50

/** Tells the limits; streams beyond them are made all the same. */
export const describeLimits =
  (store: KinesisStore): Action =>
  () => ({
    ShardLimit: shardLimit,
    OpenShardCount: store.streams
      .filter(({ mode }) => mode === 'PROVISIONED')
      .reduce((count, { shards }) => count + shards.filter(isOpen).length, 0),
    OnDemandStreamCount: store.streams.filter(({ mode }) => mode === 'ON_DEMAND').length,
    OnDemandStreamCountLimit: onDemandStreamLimit
  })
