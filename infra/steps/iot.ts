import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { arnOf } from '../placeholders.ts'
import { iotPolicyName } from '../plan-services.ts'
import { calling, type PlanStep } from './step.ts'

const maker = 'whoever makes devices'

/** The policy on its group once, and for each device a certificate of its own. */
export function iotSteps(plan: ResolvedPlan): readonly PlanStep[] {
  const { iot } = plan.services
  if (iot === undefined) return []
  return [
    calling(
      'iot.attachPolicy',
      'Attach the policy to the group of devices',
      'the deployer',
      [
        'iot',
        'AttachPolicy',
        { policyName: iotPolicyName(plan), target: arnOf('iot', `thinggroup/${iot.thingGroup}`) }
      ],
      'ListTargetsForPolicy: the group, and nothing else'
    ),
    calling(
      'iot.createThing',
      'For each device: make the thing',
      maker,
      ['iot', 'CreateThing', { thingName: '<name of the device>' }],
      'DescribeThing: the name is the one that the device connects with'
    ),
    calling(
      'iot.createCertificate',
      'For each device: make a certificate from a key that never leaves it',
      maker,
      [
        'iot',
        'CreateCertificateFromCsr',
        { certificateSigningRequest: '<signing request of the device>', setAsActive: true }
      ],
      'DescribeCertificate: the status is ACTIVE'
    ),
    calling(
      'iot.attachCertificate',
      'For each device: attach its certificate to its thing',
      maker,
      [
        'iot',
        'AttachThingPrincipal',
        {
          thingName: '<name of the device>',
          principal: '<certificateArn>',
          thingPrincipalType: 'EXCLUSIVE_THING'
        }
      ],
      'ListPrincipalThings of the certificate: this thing alone'
    ),
    calling(
      'iot.addToGroup',
      'For each device: put the thing into the group',
      maker,
      ['iot', 'AddThingToThingGroup', { thingName: '<name of the device>', thingGroupName: iot.thingGroup }],
      'the device publishes a sealed record under its own name, and is refused under another'
    )
  ]
}
