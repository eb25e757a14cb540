import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnStream } from 'aws-cdk-lib/aws-kinesis'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { describe, expect, it } from 'vitest'
import { SealstreamPipeline } from '../../infra/cdk/index.ts'
import { planTemplate } from '../../infra/planner.ts'
import type { TemplateResources } from '../../infra/template.ts'
import { anApp, plans } from './pipelines.ts'

const plan = plans['by default']!

/** What a resource depends on has no order; the CDK gives it one. */
function sorted(resources: TemplateResources) {
  return Object.fromEntries(
    Object.entries(resources).map(([id, { DependsOn: ids, ...rest }]) => [
      id,
      { ids: ids?.toSorted(), ...rest }
    ])
  )
}

describe('SealstreamPipeline', () => {
  describe.each(Object.entries(plans))('of a plan %s', (_, each) => {
    it.each(['core', 'full'] as const)('is the template %s and nothing else', profile => {
      const { stack, synthesised } = anApp()
      new SealstreamPipeline(stack, 'Orders', { plan: each, profile })
      const { Resources, ...others } = planTemplate(each, { profile })
      const { Resources: synthesisedResources, ...synthesisedOthers } = synthesised()
      expect(sorted(synthesisedResources)).toEqual(sorted(Resources))
      expect(synthesisedOthers).toEqual(others)
    })
  })

  it('gives what others in the stack refer to', () => {
    const { stack } = anApp()
    const pipeline = new SealstreamPipeline(stack, 'Orders', { plan })
    const { keys, roles, deliveryStreams, buckets, leaseTable, deadLetterQueue } = pipeline
    const told = {
      stream: pipeline.stream.streamArn,
      leaseTable: leaseTable.tableArn,
      deadLetterQueue: deadLetterQueue?.queueArn,
      ...Object.fromEntries(
        (['envelope', 'stream', 'sink', 'state'] as const).map(purpose => [
          `${purpose}Key`,
          keys[purpose]?.keyArn
        ])
      ),
      ...Object.fromEntries(
        (['producer', 'consumer', 'operator', 'replayer'] as const).map(role => [role, roles[role]?.roleArn])
      ),
      deliveryStream: deliveryStreams.get('orders-s3')?.deliveryStreamArn,
      bucket: buckets.get('orders-delivered')?.bucketArn
    }
    expect(stack.resolve(told)).toEqual(
      Object.fromEntries(
        Object.entries({
          stream: 'Stream',
          leaseTable: 'LeaseTable',
          deadLetterQueue: 'DeadLetterQueue',
          envelopeKey: 'EnvelopeKey',
          streamKey: 'StreamKey',
          sinkKey: 'SinkKey',
          stateKey: 'StateKey',
          producer: 'ProducerRole',
          consumer: 'ConsumerRole',
          operator: 'OperatorRole',
          replayer: 'ReplayerRole',
          deliveryStream: 'OrdersS3DeliveryStream',
          bucket: 'OrdersDeliveredBucket'
        }).map(([member, logicalId]) => [member, { 'Fn::GetAtt': [logicalId, 'Arn'] }])
      )
    )
    expect(pipeline.resources.get('Stream')).toBeInstanceOf(CfnStream)
  })

  it('has the keys of tenants, and those that are given', () => {
    const { stack } = anApp()
    const tenants = new SealstreamPipeline(stack, 'Tenants', { plan: plans['with tenants']! }).keys
    expect(tenants.envelope).toBeUndefined()
    expect(stack.resolve(tenants.tenants.get('a1')?.keyArn)).toEqual({
      'Fn::GetAtt': ['EnvelopeKeyA1', 'Arn']
    })
    expect(tenants.tenants.get('b2')?.keyArn).toMatch(/^arn:aws:kms:.*:key\/00000005-/)
    const other = anApp().stack
    const given = new SealstreamPipeline(other, 'Given', { plan: plans['with keys that are given']! }).keys
    expect(given.envelope?.keyArn).toMatch(/:key\/00000001-/)
    expect(given.state.keyArn).toMatch(/:key\/00000004-/)
  })

  it('lacks what the plan does not have', () => {
    const { stack } = anApp()
    const pipeline = new SealstreamPipeline(stack, 'Orders', { plan: plans['with nothing sealed']! })
    expect([pipeline.keys.envelope, pipeline.roles.replayer, pipeline.deadLetterQueue]).toEqual([
      undefined,
      undefined,
      undefined
    ])
  })

  it('refuses a plan that is wrong, as definePipeline does', () => {
    const { stack } = anApp()
    const wrong = { name: 'Orders!' }
    expect(() => new SealstreamPipeline(stack, 'Orders', { plan: wrong })).toThrow('option name')
  })

  it('can be granted to others', () => {
    const { stack } = anApp()
    const { stream } = new SealstreamPipeline(stack, 'Orders', { plan })
    const reader = new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    stream.grantRead(reader)
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: [{ Resource: { 'Fn::GetAtt': ['Stream', 'Arn'] } }] }
    })
  })

  it('drops what is granted to a role of the plan', () => {
    const { stack } = anApp()
    const { roles } = new SealstreamPipeline(stack, 'Orders', { plan })
    new Bucket(stack, 'Other').grantRead(roles.consumer)
    Template.fromStack(stack).resourceCountIs('AWS::IAM::Policy', 0)
  })

  it('stands twice in a stack when its logical ids are unique', () => {
    const { stack, synthesised } = anApp()
    for (const name of ['orders', 'invoices']) {
      new SealstreamPipeline(stack, name, { plan: { name }, uniqueLogicalIds: true })
    }
    const { Resources } = synthesised()
    const count = Object.keys(planTemplate(plan).Resources).length
    expect(Object.keys(Resources)).toHaveLength(2 * count)
    // Never changes: another id is another stream.
    const { Properties } = Resources.ordersTemplateStreamA590E13D
    expect(Properties.StreamEncryption.KeyId).toEqual({
      'Fn::GetAtt': [expect.stringMatching(/^ordersTemplateStreamKey[0-9A-F]{8}$/), 'Arn']
    })
    const ids = Object.keys(Resources)
    const references = /"Ref":"([A-Za-z0-9]+)"|"Fn::GetAtt":\["([A-Za-z0-9]+)"|\$\{([A-Za-z0-9]+)[.}]/g
    const named = [...JSON.stringify(Resources).matchAll(references)].flatMap(([, ...found]) =>
      found.filter(id => id !== undefined)
    )
    expect(named.filter(id => !ids.includes(id))).toEqual([])
    expect(named.length).toBeGreaterThan(0)
  })
})
