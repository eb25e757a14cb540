import { wireTypes } from '../wire-types.ts'

/** Members of the operations that the front carries out itself; `dynalite` checks the others. */
export const tableTypes = wireTypes(
  {
    text: `AttributeName AttributeType BillingMode DisassociationMode DistanceFunction
      GlobalTableSettingsReplicationMode GlobalTableSourceArn IndexName KMSMasterKeyId Key KeyType
      MultiRegionConsistency ProjectionType RegionName ResourcePolicy SSEType SearchSchemaElementType
      StreamViewType TableClass TableClassOverride TableName Value`,
    number: `Dimensions MaxReadRequestUnits MaxWriteRequestUnits ReadCapacityUnits ReadUnitsPerSecond
      RecoveryPeriodInDays WriteCapacityUnits WriteUnitsPerSecond`,
    boolean: `DeletionProtectionEnabled DisassociationProtectionEnabled Enabled PointInTimeRecoveryEnabled StreamEnabled`,
    structure: `Create Delete Disassociate OnDemandThroughput OnDemandThroughputOverride PointInTimeRecoverySpecification
      Projection ProvisionedThroughput ProvisionedThroughputOverride SSESpecification StreamSpecification
      TimeToLiveSpecification Update VectorAttribute WarmThroughput`
  },
  {
    AttributeDefinitions: { list: 'structure' },
    GlobalSecondaryIndexUpdates: { list: 'structure' },
    GlobalSecondaryIndexes: { list: 'structure' },
    GlobalTableWitnessUpdates: { list: 'structure' },
    KeySchema: { list: 'structure' },
    LocalSecondaryIndexes: { list: 'structure' },
    NonKeyAttributes: { list: 'text' },
    ReplicaUpdates: { list: 'structure' },
    SearchSchema: { list: 'structure' },
    Tags: { list: 'structure' },
    VectorIndexUpdates: { list: 'structure' },
    VectorIndexes: { list: 'structure' }
  }
)
