import type { Control } from '../../control.ts'
import { demand, demandAll, judge, type Problem, unknown } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { isTrue } from '../../readers.ts'
import { databasesOf, isCopy } from './databases.ts'

export const rds01: Control = {
  id: 'RDS-01',
  severity: 'high',
  title: 'Databases beside the pipeline are encrypted with a customer-managed key.',
  rationale:
    'Storage, snapshots and replicas take the key over for good. New clusters of Aurora are encrypted by themselves, with ' +
    'a key of AWS: that a database is encrypted no longer says with whose key.',
  fix: 'Set StorageEncrypted and KmsKeyId; a database that has another key is restored from a copy of its snapshot.',
  kind: 'resources',
  sources: {
    statements: [53, 59],
    securityHub: ['RDS.3', 'RDS.27'],
    cis: ['2.3.1'],
    cdkNag: ['RDS2'],
    checkov: ['CKV_AWS_16']
  },
  reads: ['rds:DescribeDBInstances', 'rds:DescribeDBClusters'],
  evaluate: model =>
    databasesOf(model).map(database =>
      judge(database, problemsOf(model, database), 'encrypted with a customer-managed key')
    )
}

function problemsOf(model: AuditModel, database: AuditResource): readonly Problem[] {
  const { StorageEncrypted: encrypted, KmsKeyId: key } = database.properties
  if (isCopy(database) && key === undefined) return [unknown('it takes over the key of what it is made from')]
  return demandAll(
    demand('StorageEncrypted', encrypted, isTrue, 'its storage is not encrypted, or by the default alone'),
    demandCustomerKey(model, 'KmsKeyId', key)
  )
}
