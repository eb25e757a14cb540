import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { attributeOf, refTo } from '../placeholders.ts'
import { cloudHsmClusterId } from '../plan-services.ts'
import { custodian, type StepDraft } from './step.ts'
import type { StepCall } from './step-call.ts'

/** Who is known inside of the HSMs, where IAM has no say. */
export const officer = 'an officer of the HSMs'

export const clusterId = attributeOf(cloudHsmClusterId, 'ClusterId')

type CloudHsm = NonNullable<ResolvedPlan['services']['cloudHsm']>

const describeCluster: StepCall = {
  service: 'cloudhsm-v2',
  operation: 'DescribeClusters',
  input: { Filters: { clusterIds: [clusterId] } }
}

const hsmStep = (number: number): string => `cloudHsm.createHsm${number}`

/** Id of the step after which the cluster has all its HSMs, and users can be made in them. */
export const lastHsmStep = ({ subnetIds }: CloudHsm): string => hsmStep(subnetIds.length)

/**
 * From an empty cluster to an active one with an HSM in the zone of each subnet. The first HSM makes the request for the
 * certificate of the cluster; the others are copies of it, for which the cluster has to be active.
 */
export function clusterSteps({ subnetIds }: CloudHsm): readonly StepDraft[] {
  const zones = subnetIds.map((_, index) => `Zone${index + 1}`)
  return [
    {
      id: 'cloudHsm.zones',
      title: 'See in which zones the subnets of the cluster are',
      by: custodian,
      call: { service: 'ec2', operation: 'DescribeSubnets', input: { SubnetIds: [...subnetIds] } },
      check: { expected: 'each is in another zone, and none has a route to the internet' },
      waitsFor: [],
      gives: zones.map((name, index) => ({ name, from: `Subnets[${index}].AvailabilityZone` }))
    },
    createHsm(1, ['cloudHsm.zones'], 'the HSM is ACTIVE, the cluster UNINITIALIZED'),
    {
      id: 'cloudHsm.request',
      title: 'Take the certificate signing request of the cluster',
      by: custodian,
      call: describeCluster,
      mind:
        'Now, and never later, hold Certificates.HsmCertificate, AwsHardwareCertificate and ManufacturerHardwareCertificate ' +
        'against the roots that AWS and the manufacturer publish: the HSM is genuine.',
      check: { expected: 'the request has the key of Certificates.HsmCertificate' },
      waitsFor: [hsmStep(1)],
      gives: [{ name: 'ClusterCsr', from: 'Clusters[0].Certificates.ClusterCsr' }]
    },
    {
      id: 'cloudHsm.sign',
      title: 'Sign it with a certificate authority of your own',
      by: officer,
      action:
        `Make an authority with a self-signed certificate (customerCA.crt), and sign ${refTo('ClusterCsr')} with it, offline. ` +
        'Its key signs nothing else, and is kept where the cluster is not; its certificate is for every client of the cluster, and for KMS.',
      check: { expected: 'openssl verify of the signed certificate against customerCA.crt' },
      waitsFor: ['cloudHsm.request'],
      gives: [{ name: 'ClusterCertificate' }, { name: 'TrustAnchor' }]
    },
    {
      id: 'cloudHsm.initialize',
      title: 'Initialise the cluster',
      by: custodian,
      call: {
        service: 'cloudhsm-v2',
        operation: 'InitializeCluster',
        input: {
          ClusterId: clusterId,
          SignedCert: refTo('ClusterCertificate'),
          TrustAnchor: refTo('TrustAnchor')
        }
      },
      check: { call: describeCluster, expected: 'the cluster is INITIALIZED, after some minutes' },
      waitsFor: ['cloudHsm.sign'],
      gives: []
    },
    {
      id: 'cloudHsm.activate',
      title: 'Activate the cluster',
      by: officer,
      action:
        'From a machine in the VPC, in the security group of the cluster, with customerCA.crt in place: cluster activate in ' +
        'the CloudHSM CLI, which sets the password of admin; then make a second admin. Keep both passwords where they outlast ' +
        'the people who have them: nobody brings them back.',
      check: { call: describeCluster, expected: 'the cluster is ACTIVE; user list shows two admins' },
      waitsFor: ['cloudHsm.initialize'],
      gives: []
    },
    ...zones
      .slice(1)
      .map((_, index) =>
        createHsm(
          index + 2,
          ['cloudHsm.zones', 'cloudHsm.activate'],
          `${index + 2} HSMs are ACTIVE, each in another zone`
        )
      )
  ]
}

function createHsm(number: number, waitsFor: readonly string[], expected: string): StepDraft {
  const AvailabilityZone = refTo(`Zone${number}`)
  return {
    id: hsmStep(number),
    title: `Create an HSM in ${AvailabilityZone}`,
    by: custodian,
    call: {
      service: 'cloudhsm-v2',
      operation: 'CreateHsm',
      input: { ClusterId: clusterId, AvailabilityZone }
    },
    check: { call: describeCluster, expected },
    waitsFor,
    gives: []
  }
}
