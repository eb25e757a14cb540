/** Attribute names of the lease table, as the Java KCL writes them. */
export const LeaseAttribute = {
  leaseKey: 'leaseKey',
  leaseOwner: 'leaseOwner',
  leaseCounter: 'leaseCounter',
  ownerSwitchesSinceCheckpoint: 'ownerSwitchesSinceCheckpoint',
  checkpoint: 'checkpoint',
  checkpointSubSequenceNumber: 'checkpointSubSequenceNumber',
  pendingCheckpoint: 'pendingCheckpoint',
  pendingCheckpointSubSequenceNumber: 'pendingCheckpointSubSequenceNumber',
  pendingCheckpointState: 'pendingCheckpointState',
  parentShardId: 'parentShardId',
  childShardIds: 'childShardIds',
  startingHashKey: 'startingHashKey',
  endingHashKey: 'endingHashKey',
  checkpointOwner: 'checkpointOwner',
  throughputKBps: 'throughputKBps',
  entityType: 'entityType',
  streamName: 'streamName',
  shardId: 'shardId'
} as const

/** Index of KCL 3 through which a worker finds what was assigned to it: keys alone, by owner and lease key. */
export const ownerIndex = 'LeaseOwnerToLeaseKeyIndex'

/** Rows of other kinds share the table from KCL 3.5 on; a row without the attribute is a lease. */
export const leaseEntityType = 'LEASE'
