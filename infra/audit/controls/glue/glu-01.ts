import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { isTrue, resourcesOf, valueAt } from '../../readers.ts'
import { hasGlue } from './catalog.ts'

export const glu01: Control = {
  id: 'GLU-01',
  severity: 'medium',
  title:
    'The catalog of Glue, and the passwords of its connections, are encrypted with a customer-managed key.',
  rationale:
    'The catalog says where data is and what its columns are, and keeps the passwords of connections that have no secret. ' +
    'Neither is encrypted with a key of yours unless the account says so.',
  fix: 'Set AWS::Glue::DataCatalogEncryptionSettings with EncryptionAtRest SSE-KMS and ConnectionPasswordEncryption, each with a key.',
  kind: 'resources',
  sources: {
    statements: [68, 70],
    prowler: [
      'glue_data_catalogs_metadata_encryption_enabled',
      'glue_data_catalogs_connection_passwords_encryption_enabled'
    ],
    checkov: ['CKV_AWS_94']
  },
  reads: ['glue:GetDataCatalogEncryptionSettings'],
  evaluate: model => {
    const found = resourcesOf(model, 'AWS::Glue::DataCatalogEncryptionSettings')
    if (found.length === 0 && hasGlue(model)) {
      return [
        {
          status: 'manual',
          evidence: 'the account has one setting, and it is not here: see that it names keys of yours'
        }
      ]
    }
    return found.map(each => {
      const settings = valueAt(each.properties, 'DataCatalogEncryptionSettings')
      const atRest = valueAt(settings, 'EncryptionAtRest')
      const passwords = valueAt(settings, 'ConnectionPasswordEncryption')
      return judge(
        each,
        [
          demand(
            'CatalogEncryptionMode',
            valueAt(atRest, 'CatalogEncryptionMode'),
            value => value === 'SSE-KMS' || value === 'SSE-KMS-WITH-SERVICE-ROLE',
            'the catalog is not encrypted with KMS'
          ),
          demandCustomerKey(model, 'SseAwsKmsKeyId', valueAt(atRest, 'SseAwsKmsKeyId')),
          demand(
            'ReturnConnectionPasswordEncrypted',
            valueAt(passwords, 'ReturnConnectionPasswordEncrypted'),
            isTrue,
            'passwords of connections are handed out in the clear'
          ),
          demandCustomerKey(model, 'ConnectionPasswordEncryption.KmsKeyId', valueAt(passwords, 'KmsKeyId'))
        ],
        'catalog and passwords are encrypted with a customer-managed key'
      )
    })
  }
}
