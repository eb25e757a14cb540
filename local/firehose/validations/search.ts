import { rotationPeriods } from '../destinations/index-rotation.ts'
import type { SearchSettings } from '../settings.ts'
import { endpointUrl } from './endpoint.ts'
import { parseBackupS3, roleArnPattern } from './s3.ts'
import { invalid, type Shape } from './shape.ts'

const documentIds = ['FIREHOSE_DEFAULT', 'NO_DOCUMENT_ID'] as const

/**
 * A configuration of Elasticsearch or OpenSearch. `s3Member` is what its S3 configuration is called in the path,
 * `domainUrl` the address of the domain that an ARN stands for.
 */
export function parseSearch(
  shape: Shape,
  family: SearchSettings['family'],
  s3Member: string,
  domainUrl: (arn: string) => string | undefined
): SearchSettings {
  const roleArn = shape.required('RoleARN', { pattern: roleArnPattern })
  const indexName = shape.required('IndexName', { max: 80 })
  const domainArn = shape.text('DomainARN', { max: 512, pattern: /^arn:.*/ })
  const clusterEndpoint = shape.text('ClusterEndpoint', { max: 512, pattern: /^https?:.*/ })
  shape.refuse('VpcConfiguration')
  const settings = {
    kind: 'search',
    family,
    roleArn,
    domainArn,
    clusterEndpoint,
    indexName,
    typeName: shape.text('TypeName', { max: 100 }),
    rotationPeriod: shape.oneOf('IndexRotationPeriod', rotationPeriods, 'OneDay'),
    usesDocumentIds:
      shape.child('DocumentIdOptions').oneOf('DefaultDocumentIdFormat', documentIds, 'FIREHOSE_DEFAULT') ===
      'FIREHOSE_DEFAULT',
    ...shape.bufferingHints('BufferingHints', 100, 900, 300),
    retrySeconds: shape.child('RetryOptions').number('DurationInSeconds', 0, 7200, 300),
    s3BackupMode: shape.oneOf('S3BackupMode', ['FailedDocumentsOnly', 'AllDocuments'], 'FailedDocumentsOnly'),
    s3: parseBackupS3(shape.requiredChild('S3Configuration', s3Member))
  } as const
  if ((domainArn === '') === (clusterEndpoint === '')) {
    throw invalid('Exactly one of DomainARN and ClusterEndpoint must be specified.')
  }
  const endpoint = clusterEndpoint === '' ? domainUrl(domainArn) : clusterEndpoint
  if (endpoint === undefined) throw invalid(`Domain ${domainArn} was not found.`)
  return { ...settings, endpoint: endpointUrl(endpoint, 'ClusterEndpoint') }
}
