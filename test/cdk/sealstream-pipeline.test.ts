import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { describe, expect, it } from 'vitest'
import { SealstreamPipeline } from '../../infra/cdk/index.ts'
import { anApp, aTemplate } from './pipelines.ts'

describe('SealstreamPipeline', () => {
  it('is the template, resource for resource and output for output', () => {
    const { stack, synthesised } = anApp()
    const template = aTemplate()
    new SealstreamPipeline(stack, 'Orders', { template })
    const { Resources, Outputs } = synthesised()
    expect(Resources).toEqual(template.Resources)
    expect(Outputs).toEqual(template.Outputs)
  })

  it('gives what others in the stack refer to', () => {
    const { stack } = anApp()
    const { streams } = new SealstreamPipeline(stack, 'Orders', { template: aTemplate() })
    const reader = new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    streams.get('Stream')?.grantRead(reader)
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: { Statement: [{ Resource: { 'Fn::GetAtt': ['Stream', 'Arn'] } }] }
    })
  })

  it('drops what is granted to a role of the plan', () => {
    const { stack, synthesised } = anApp()
    const { roles } = new SealstreamPipeline(stack, 'Orders', { template: aTemplate() })
    new Bucket(stack, 'Other').grantRead(roles.get('ConsumerRole')!)
    const types = Object.values<{ Type: string }>(synthesised().Resources).map(({ Type }) => Type)
    expect(types.filter(type => type === 'AWS::IAM::Policy')).toEqual([])
  })

  it('stands twice in a stack when its logical ids are unique', () => {
    const { stack, synthesised } = anApp()
    for (const id of ['Orders', 'Invoices']) {
      new SealstreamPipeline(stack, id, { template: aTemplate(), uniqueLogicalIds: true })
    }
    const { Resources } = synthesised()
    expect(Object.keys(Resources)).toHaveLength(8)
    expect(Resources.OrdersTemplateStream2088A217.Properties.StreamEncryption.KeyId).toEqual({
      'Fn::GetAtt': ['OrdersTemplateEnvelopeKey8855A332', 'Arn']
    })
    const policies = Object.entries<{ Properties: object }>(Resources).filter(([id]) =>
      id.startsWith('InvoicesTemplateConsumerPolicy')
    )
    expect(policies).toHaveLength(1)
    expect(JSON.stringify(policies)).toMatch(/"\$\{InvoicesTemplateEnvelopeKey[0-9A-F]{8}\.Arn\}"/)
  })
})
