const leaseKeyPattern = /^(\d+:[^:]+:[1-9]\d*):([^:]+)$/

/** What a table of several streams calls a stream: a stream that was deleted and made again is another one. */
export interface StreamIdentity {
  readonly accountId: string
  readonly streamName: string
  readonly creationEpochSeconds: number
}

/** `<account>:<stream>:<creation time in epoch seconds>`, as the KCL writes it. */
export function toStreamIdentifier({ accountId, streamName, creationEpochSeconds }: StreamIdentity): string {
  return `${accountId}:${streamName}:${creationEpochSeconds}`
}

/** Key of a shard's lease; `streamIdentifier` undefined for a table of one stream. */
export function leaseKeyOf(streamIdentifier: string | undefined, shardId: string): string {
  return streamIdentifier === undefined ? shardId : `${streamIdentifier}:${shardId}`
}

/** A key that does not have the form of a table of several streams is a shard's id. */
export function parseLeaseKey(leaseKey: string): {
  readonly streamIdentifier: string | undefined
  readonly shardId: string
} {
  const [, streamIdentifier, shardId] = leaseKeyPattern.exec(leaseKey) ?? []
  return { streamIdentifier, shardId: shardId ?? leaseKey }
}
