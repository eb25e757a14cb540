import type { ListShardsCommandInput, Shard } from '@aws-sdk/client-kinesis'
import type { KinesisReaderPort } from '../../core/aws-ports.ts'
import { backoffDelayMs } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { isTransient, ServiceError } from '../../core/service-errors.ts'
import { type ShardInfo, toShardInfo } from './shard-graph.ts'

export interface ShardListOptions {
  readonly kinesis: KinesisReaderPort
  readonly streamName: string
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
  readonly filter?: ListShardsCommandInput['ShardFilter']
}

/** The quota is ten calls a second for a stream, shared by everybody: a fleet that starts meets it. */
const backoff = { baseMs: 500, maxMs: 5_000 }
const maxAttempts = 10
const maxRestarts = 3

/**
 * All shards, from all pages. Waits out throttling and failures that may pass, and begins again when a page token
 * has expired: half a list would look like a stream with holes.
 * @throws ServiceError; the signal's reason
 */
export async function listShards(options: ShardListOptions): Promise<ShardInfo[]> {
  for (let restart = 0; ; restart += 1) {
    try {
      return await listPages(options)
    } catch (error) {
      const isExpired = error instanceof ServiceError && error.serviceCode === 'ExpiredNextTokenException'
      if (!isExpired || restart >= maxRestarts) throw error
    }
  }
}

async function listPages(options: ShardListOptions): Promise<ShardInfo[]> {
  const { streamName, filter } = options
  const shards: Shard[] = []
  let token: string | undefined
  do {
    const page = await ask(
      options,
      token === undefined
        ? {
            StreamName: streamName,
            MaxResults: 1_000,
            ...(filter === undefined ? {} : { ShardFilter: filter })
          }
        : { NextToken: token, MaxResults: 1_000 }
    )
    shards.push(...(page.Shards ?? []))
    token = page.NextToken
  } while (token !== undefined)
  return shards.map(toShardInfo)
}

async function ask(
  { kinesis, clock, random, signal }: ShardListOptions,
  input: ListShardsCommandInput
): ReturnType<KinesisReaderPort['listShards']> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await kinesis.listShards(input, { signal })
    } catch (cause) {
      signal.throwIfAborted()
      const error = new ServiceError('kinesis', 'ListShards', cause)
      if (!isTransient(error.failure) || attempt + 1 >= maxAttempts) throw error
    }
    await clock.sleep(backoffDelayMs(attempt, { ...backoff, random }), signal)
  }
}
