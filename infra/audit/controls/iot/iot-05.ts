import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { resourcesOf, valueAt } from '../../readers.ts'
import { hasDevices } from './devices.ts'

// Named by the newest and the oldest version that they take:
// https://docs.aws.amazon.com/iot/latest/developerguide/transport-security.html
const modern = /^IoTSecurityPolicy_TLS1[23]_1_[23]_/

export const iot05: Control = {
  id: 'IOT-05',
  severity: 'medium',
  title: 'Devices reach the data endpoint over TLS 1.2 or later alone.',
  rationale:
    'Devices live long, and offer what they were built with. Records that come in by a rule are sealed by the device or ' +
    'not at all: a consumer that opens refuses the others, so that nobody can slip plaintext in among sealed records.',
  fix: 'Set TlsConfig.SecurityPolicy of AWS::IoT::DomainConfiguration to IoTSecurityPolicy_TLS13_1_2_2022_10 or TLS13_1_3.',
  kind: 'resources',
  sources: { statements: [33] },
  reads: ['iot:ListDomainConfigurations', 'iot:DescribeDomainConfiguration'],
  evaluate: model => {
    const domains = resourcesOf(model, 'AWS::IoT::DomainConfiguration').filter(
      ({ properties: { ServiceType: type } }) =>
        type === undefined || type === 'DATA' || typeof type === 'symbol'
    )
    if (domains.length === 0 && hasDevices(model)) {
      return [
        {
          status: 'manual',
          evidence: 'which TLS the data endpoint of the account takes is not here, and to be said'
        }
      ]
    }
    return domains.map(domain =>
      judge(
        domain,
        [
          demand(
            'TlsConfig.SecurityPolicy',
            valueAt(domain.properties, 'TlsConfig', 'SecurityPolicy'),
            value => typeof value === 'string' && modern.test(value),
            'it is not bound to TLS 1.2 or later'
          )
        ],
        'it takes TLS 1.2 or later alone'
      )
    )
  }
}
