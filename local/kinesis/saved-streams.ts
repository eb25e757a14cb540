import { makeShard, type Shard } from './shard.ts'
import type { Stream, StreamConsumer, Tags } from './store.ts'

/** All streams without their records, as JSON. Hash keys and sequence numbers are decimal text. */
export interface SavedStreams {
  /** Shards made so far, over all streams: what keeps sequence numbers from coming back. */
  readonly generation: string
  readonly streams: readonly SavedStream[]
}

type SavedTags = readonly (readonly [string, string])[]

type SavedStream = Omit<Stream, 'shards' | 'consumers' | 'tags' | 'policy' | 'keyId'> & {
  readonly shards: readonly SavedShard[]
  readonly consumers: readonly (Omit<StreamConsumer, 'tags' | 'policy'> & {
    readonly tags: SavedTags
    readonly policy?: string | undefined
  })[]
  readonly tags: SavedTags
  readonly policy?: string | undefined
  readonly keyId?: string | undefined
}

interface SavedShard {
  readonly id: string
  readonly generation: number
  readonly start: string
  readonly end: string
  readonly parents: readonly string[]
  /** Ids. */
  readonly children: readonly string[]
  readonly endingSequenceNumber?: string | undefined
  /** Left out where it is before all time. */
  readonly openedMs?: number | undefined
  readonly closedMs?: number | undefined
}

export function encodeStreams(streams: Iterable<Stream>, generation: bigint): SavedStreams {
  return {
    generation: String(generation),
    streams: Array.from(streams, stream => ({
      ...stream,
      shards: stream.shards.map(encodeShard),
      consumers: stream.consumers.map(consumer => ({ ...consumer, tags: [...consumer.tags] })),
      tags: [...stream.tags]
    }))
  }
}

/** The streams as they were. Changes of status that took their time then are over now. */
export function decodeStreams(
  { generation, streams }: SavedStreams,
  nowMs: number
): { readonly generation: bigint; readonly streams: readonly Stream[] } {
  return {
    generation: BigInt(generation),
    streams: streams
      .filter(({ status }) => status !== 'DELETING')
      .map(saved => ({
        ...saved,
        status: 'ACTIVE',
        shards: decodeShards(saved.shards, nowMs),
        consumers: saved.consumers
          .filter(({ status }) => status !== 'DELETING')
          .map(consumer => ({
            ...consumer,
            status: 'ACTIVE',
            tags: decodeTags(consumer.tags),
            policy: consumer.policy
          })),
        tags: decodeTags(saved.tags),
        policy: saved.policy,
        keyId: saved.keyId
      }))
  }
}

function encodeShard(shard: Shard): SavedShard {
  const { id, generation, start, end, parents, children, endingSequenceNumber, openedMs, closedMs } = shard
  return {
    id,
    generation,
    start: String(start),
    end: String(end),
    parents,
    children: children.map(child => child.id),
    ...(endingSequenceNumber === undefined ? {} : { endingSequenceNumber: String(endingSequenceNumber) }),
    ...(Number.isFinite(openedMs) ? { openedMs } : {}),
    ...(closedMs === undefined ? {} : { closedMs })
  }
}

function decodeShards(saved: readonly SavedShard[], nowMs: number): Shard[] {
  const shards = saved.map(({ id, generation, start, end, parents, openedMs }) =>
    makeShard(
      {
        id,
        generation,
        start: BigInt(start),
        end: BigInt(end),
        parents,
        openedMs: openedMs ?? Number.NEGATIVE_INFINITY
      },
      nowMs
    )
  )
  for (const [index, { children, endingSequenceNumber, closedMs }] of saved.entries()) {
    const shard = shards[index]!
    shard.children = shards.filter(({ id }) => children.includes(id))
    shard.endingSequenceNumber = endingSequenceNumber === undefined ? undefined : BigInt(endingSequenceNumber)
    shard.closedMs = closedMs
  }
  return shards
}

function decodeTags(tags: SavedTags): Tags {
  return new Map(tags)
}
