import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { envelopeKeyPolicy } from '../policies/envelope-key.ts'
import { calling, doing, output, type PlanStep } from './step.ts'

const officer = 'an officer of the HSMs'
const custodian = 'the custodian of the keys'

/** From an empty cluster to the envelope key in it, and what shows that it can be lost without losing the records. */
export function cloudHsmSteps(plan: ResolvedPlan): readonly PlanStep[] {
  const { cloudHsm } = plan.services
  if (cloudHsm === undefined) return []
  const ClusterId = output('CloudHsmClusterId')
  const [first, ...others] = cloudHsm.subnetIds.map((subnetId, index) =>
    calling(
      `cloudHsm.createHsm${index + 1}`,
      `Create an HSM in the zone of ${subnetId}`,
      officer,
      ['cloudhsm-v2', 'CreateHsm', { ClusterId, AvailabilityZone: `<zone of ${subnetId}>` }],
      'DescribeClusters: the State of the HSM is ACTIVE'
    )
  )
  return [
    first!,
    calling(
      'cloudHsm.request',
      'Take the certificate signing request of the cluster',
      officer,
      ['cloudhsm-v2', 'DescribeClusters', { Filters: { clusterIds: [ClusterId] } }],
      'the State is UNINITIALIZED, and Certificates.ClusterCsr is there; Certificates.ManufacturerHardwareCertificate leads to the roots of AWS and of the manufacturer'
    ),
    doing(
      'cloudHsm.sign',
      'Sign it with a certificate authority of your own',
      officer,
      'sign the request offline, valid for ten years; keep the key of the authority where the cluster is not',
      'openssl verify of the signed certificate against that of the authority'
    ),
    calling(
      'cloudHsm.initialize',
      'Initialise the cluster',
      officer,
      [
        'cloudhsm-v2',
        'InitializeCluster',
        { ClusterId, SignedCert: '<signed certificate>', TrustAnchor: '<certificate of the authority>' }
      ],
      'DescribeClusters: the State is INITIALIZED'
    ),
    doing(
      'cloudHsm.activate',
      'Activate the cluster',
      officer,
      'cloudhsm-cli cluster activate, from a machine in its VPC: set the password of admin, and make a second admin; keep both where they outlast the people who have them',
      'DescribeClusters: the State is ACTIVE; cloudhsm-cli user list shows the two'
    ),
    doing(
      'cloudHsm.kmsuser',
      'Make the user that KMS logs in as',
      officer,
      'cloudhsm-cli user create --username kmsuser --role crypto-user; nobody else ever logs in as it',
      'cloudhsm-cli user list shows kmsuser'
    ),
    ...others,
    calling(
      'cloudHsm.createKeyStore',
      'Create the custom key store',
      custodian,
      [
        'kms',
        'CreateCustomKeyStore',
        {
          CustomKeyStoreName: plan.name,
          CustomKeyStoreType: 'AWS_CLOUDHSM',
          CloudHsmClusterId: ClusterId,
          TrustAnchorCertificate: '<certificate of the authority>',
          KeyStorePassword: '<password of kmsuser>'
        }
      ],
      'the answer has a CustomKeyStoreId'
    ),
    calling(
      'cloudHsm.connect',
      'Connect the key store',
      custodian,
      ['kms', 'ConnectCustomKeyStore', { CustomKeyStoreId: '<CustomKeyStoreId>' }],
      'DescribeCustomKeyStores: the ConnectionState is CONNECTED, after up to 20 minutes'
    ),
    calling(
      'cloudHsm.createKey',
      'Create the envelope key in it',
      custodian,
      [
        'kms',
        'CreateKey',
        {
          Origin: 'AWS_CLOUDHSM',
          CustomKeyStoreId: '<CustomKeyStoreId>',
          Description: `${plan.name} envelope`,
          Policy: JSON.stringify(envelopeKeyPolicy(plan)),
          Tags: [{ TagKey: 'key-origin', TagValue: 'AWS_CLOUDHSM' }]
        }
      ],
      'DescribeKey: the Origin is AWS_CLOUDHSM and the KeyState Enabled'
    ),
    doing(
      'cloudHsm.plan',
      'Name the key in the plan, and deploy it again',
      'the deployer',
      "keys: { envelope: { arn: '<Arn of CreateKey>', origin: 'AWS_CLOUDHSM' } }; keep the key of before enabled until every record that it sealed has left the stream",
      'sealstream audit: HSM-04, KMS-05 and KMS-07 pass'
    ),
    doing(
      'cloudHsm.drill',
      'Show that a lost cluster can be had again',
      officer,
      'create a cluster from a backup (SourceBackupId) in other subnets, and open a record that was kept aside with it; then delete that cluster',
      'the record opens; write down the day, for it has to be shown again every year'
    )
  ]
}
