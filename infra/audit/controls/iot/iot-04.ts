import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { resourcesOf } from '../../readers.ts'
import { hasDevices } from './devices.ts'

export const iot04: Control = {
  id: 'IOT-04',
  severity: 'low',
  title:
    'What IoT Core keeps of devices is encrypted with a customer-managed key, where its class demands that.',
  rationale:
    'Registry, shadows and jobs tell what devices there are and what they are to do. They are encrypted with a key of AWS ' +
    'unless the account says otherwise.',
  fix: 'Set AWS::IoT::EncryptionConfiguration with CUSTOMER_MANAGED_KMS_KEY, KmsKeyArn and KmsAccessRoleArn.',
  kind: 'resources',
  sources: {},
  reads: ['iot:DescribeEncryptionConfiguration'],
  evaluate: model => {
    const settings = resourcesOf(model, 'AWS::IoT::EncryptionConfiguration')
    if (settings.length === 0 && hasDevices(model)) {
      return [
        {
          status: 'manual',
          evidence:
            'the account has one setting, and it is not here: whether the class of the data needs a key of yours is to be said'
        }
      ]
    }
    return settings.map(setting => {
      const { EncryptionType: type, KmsKeyArn: key, KmsAccessRoleArn: role } = setting.properties
      const typeProblem = demand(
        'EncryptionType',
        type,
        value => value === 'CUSTOMER_MANAGED_KMS_KEY',
        'encrypted with a key of AWS: change it, or accept it by the class of the data'
      )
      return judge(
        setting,
        typeProblem === undefined
          ? [
              demandCustomerKey(model, 'KmsKeyArn', key),
              demand(
                'KmsAccessRoleArn',
                role,
                value => typeof value === 'string',
                'no role lets it use the key'
              )
            ]
          : [typeProblem],
        'encrypted with a customer-managed key'
      )
    })
  }
}
