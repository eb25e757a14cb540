import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { arnOf, refTo } from '../placeholders.ts'
import { iotPolicyName } from '../plan-services.ts'
import { deployer, type StepDraft } from './step.ts'

const maker = 'whoever makes devices'
const thingName = refTo('DeviceName')
const principal = refTo('DeviceCertificateArn')

/** The policy on its group once, and for each device a certificate of its own. */
export function iotSteps(plan: ResolvedPlan): readonly StepDraft[] {
  const { iot } = plan.services
  if (iot === undefined) return []
  const policyName = iotPolicyName(plan)
  return [
    {
      id: 'iot.attachPolicy',
      title: 'Attach the policy to the group of devices',
      by: deployer,
      call: {
        service: 'iot',
        operation: 'AttachPolicy',
        input: { policyName, target: arnOf('iot', `thinggroup/${iot.thingGroup}`) }
      },
      check: {
        call: { service: 'iot', operation: 'ListTargetsForPolicy', input: { policyName } },
        expected: 'the group, and nothing else'
      },
      waitsFor: [],
      gives: []
    },
    {
      id: 'iot.request',
      title: 'For each device: make a key that never leaves it',
      by: maker,
      action: 'On the device: a key, and a certificate signing request of it.',
      check: { expected: 'openssl req -verify of the request' },
      waitsFor: [],
      gives: [{ name: 'DeviceName' }, { name: 'DeviceCsr' }]
    },
    {
      id: 'iot.createThing',
      title: 'For each device: make the thing',
      by: maker,
      call: { service: 'iot', operation: 'CreateThing', input: { thingName } },
      check: {
        call: { service: 'iot', operation: 'DescribeThing', input: { thingName } },
        expected: 'the name is the one that the device connects with'
      },
      waitsFor: ['iot.request'],
      gives: []
    },
    {
      id: 'iot.createCertificate',
      title: 'For each device: make a certificate of its own',
      by: maker,
      call: {
        service: 'iot',
        operation: 'CreateCertificateFromCsr',
        input: { certificateSigningRequest: refTo('DeviceCsr'), setAsActive: true }
      },
      check: {
        call: {
          service: 'iot',
          operation: 'DescribeCertificate',
          input: { certificateId: refTo('DeviceCertificateId') }
        },
        expected: 'the status is ACTIVE'
      },
      waitsFor: ['iot.request'],
      gives: [
        { name: 'DeviceCertificateArn', from: 'certificateArn' },
        { name: 'DeviceCertificateId', from: 'certificateId' }
      ]
    },
    {
      id: 'iot.attachCertificate',
      title: 'For each device: attach its certificate to its thing',
      by: maker,
      call: {
        service: 'iot',
        operation: 'AttachThingPrincipal',
        input: { thingName, principal, thingPrincipalType: 'EXCLUSIVE_THING' }
      },
      check: {
        call: { service: 'iot', operation: 'ListPrincipalThings', input: { principal } },
        expected: 'this thing alone'
      },
      waitsFor: ['iot.createThing', 'iot.createCertificate'],
      gives: []
    },
    {
      id: 'iot.addToGroup',
      title: 'For each device: put the thing into the group',
      by: maker,
      call: {
        service: 'iot',
        operation: 'AddThingToThingGroup',
        input: { thingName, thingGroupName: iot.thingGroup }
      },
      check: {
        call: { service: 'iot', operation: 'ListThingGroupsForThing', input: { thingName } },
        expected:
          'the group; the device publishes a sealed record under its own name, and is refused under another'
      },
      waitsFor: ['iot.attachPolicy', 'iot.attachCertificate'],
      gives: []
    }
  ]
}
