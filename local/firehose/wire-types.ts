import { wireTypes } from '../wire-types.ts'

/** Members of all operations of Data Firehose that are here, with those of destinations that are not. */
export const firehoseTypes = wireTypes(
  {
    text: `AWSKMSKeyARN AccessKey AccountUrl AttributeName AttributeValue BucketARN CatalogARN CatalogId
      ClusterEndpoint ClusterJDBCURL CollectionEndpoint Compression CompressionFormat Connectivity
      ContentColumnName ContentEncoding CopyOptions CurrentDeliveryStreamVersionId CustomTimeZone
      DataLoadingOption DataTableColumns DataTableName Database DatabaseName DefaultDocumentIdFormat
      DeliveryStreamName DeliveryStreamType DestinationDatabaseName DestinationId DestinationTableName DomainARN
      Endpoint ErrorOutputPrefix ExclusiveStartDeliveryStreamName ExclusiveStartDestinationId
      ExclusiveStartTagKey FileExtension FormatVersion HECEndpoint HECEndpointType HECToken IndexName
      IndexRotationPeriod Key KeyARN KeyPassphrase KeyType KinesisStreamARN LogGroupName LogStreamName
      MSKClusterARN MetaDataColumnName Name NoEncryptionConfig ParameterName ParameterValue Password Prefix
      PrivateKey PrivateLinkVpceId Region RoleARN S3BackupMode S3ErrorOutputPrefix SSLMode Schema SecretARN
      SnapshotWatermarkTable SnowflakeRole SourceName Table TableName TopicName Type TypeName Url User Username
      Value VersionId VpcEndpointServiceName WarehouseLocation WriterVersion`,
    number: `BlockSizeBytes BloomFilterFalsePositiveProbability DictionaryKeyThreshold DurationInSeconds
      HECAcknowledgmentTimeoutInSeconds IntervalInSeconds Limit MaxPaddingBytes PaddingTolerance PageSizeBytes
      Port ReadFromTimestamp RowIndexStride SizeInMBs StripeSizeBytes ThroughputHintInMBs`,
    boolean: `AllowForceDelete AppendOnly CaseInsensitive ConvertDotsInJsonKeysToUnderscores EnableDictionaryCompression
      EnablePadding Enabled`,
    blob: `Data`,
    structure: `AmazonOpenSearchServerlessDestinationConfiguration AmazonOpenSearchServerlessDestinationUpdate
      AmazonopensearchserviceDestinationConfiguration AmazonopensearchserviceDestinationUpdate
      AuthenticationConfiguration BufferingHints CatalogConfiguration CloudWatchLoggingOptions Columns
      CopyCommand DataFormatConversionConfiguration DatabaseSourceAuthenticationConfiguration
      DatabaseSourceConfiguration DatabaseSourceVPCConfiguration Databases
      DeliveryStreamEncryptionConfigurationInput Deserializer DirectPutSourceConfiguration DocumentIdOptions
      DynamicPartitioningConfiguration ElasticsearchDestinationConfiguration ElasticsearchDestinationUpdate
      EncryptionConfiguration EndpointConfiguration ExtendedS3DestinationConfiguration
      ExtendedS3DestinationUpdate HiveJsonSerDe HttpEndpointDestinationConfiguration
      HttpEndpointDestinationUpdate IcebergDestinationConfiguration IcebergDestinationUpdate
      InputFormatConfiguration KMSEncryptionConfig KinesisStreamSourceConfiguration MSKSourceConfiguration
      OpenXJsonSerDe OrcSerDe OutputFormatConfiguration ParquetSerDe PartitionSpec ProcessingConfiguration
      Record RedshiftDestinationConfiguration RedshiftDestinationUpdate RequestConfiguration RetryOptions
      S3BackupConfiguration S3BackupUpdate S3Configuration S3DestinationConfiguration S3DestinationUpdate
      S3Update SchemaConfiguration SchemaEvolutionConfiguration SecretsManagerConfiguration Serializer
      SnowflakeDestinationConfiguration SnowflakeDestinationUpdate SnowflakeRoleConfiguration
      SnowflakeVpcConfiguration SplunkDestinationConfiguration SplunkDestinationUpdate
      TableCreationConfiguration Tables VpcConfiguration`
  },
  {
    BloomFilterColumns: { list: 'text' },
    ColumnToJsonKeyMappings: { map: 'text' },
    CommonAttributes: { list: 'structure' },
    DestinationTableConfigurationList: { list: 'structure' },
    Exclude: { list: 'text' },
    Identity: { list: 'structure' },
    Include: { list: 'text' },
    Parameters: { list: 'structure' },
    Processors: { list: 'structure' },
    Records: { list: 'structure' },
    SecurityGroupIds: { list: 'text' },
    SubnetIds: { list: 'text' },
    SurrogateKeys: { list: 'text' },
    TagKeys: { list: 'text' },
    Tags: { list: 'structure' },
    TimestampFormats: { list: 'text' },
    UniqueKeys: { list: 'text' }
  }
)
