import { describe, expect, it } from 'vitest'
import { mostInlineTemplateBytes } from '../../infra/limits.ts'
import { refTo } from '../../infra/placeholders.ts'
import { planTemplate } from '../../infra/planner.ts'
import type { PlanTemplate } from '../../infra/template.ts'
import type { PipelinePlan } from '../../pipeline/plan.ts'
import { network, plans } from './plans.ts'

const placeholder = refTo('AWS::Region')
const compact = (template: PlanTemplate): string => JSON.stringify(template)

/** Logical ids that a value refers to. */
function references(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, each]): readonly string[] => {
    if (name === 'Ref') return [each as string]
    if (name === 'Fn::GetAtt') return [(each as string[])[0]!]
    if (name === 'Fn::Sub') {
      return [...(each as string).matchAll(/\$\{([^!}.]+)/g)].map(([, id]) => id!)
    }
    return references(each)
  })
}

describe('planTemplate', () => {
  it.each(Object.keys(plans) as (keyof typeof plans)[])(
    'makes the same template of the plan %s',
    async name => {
      const text = `${JSON.stringify(planTemplate(plans[name]), undefined, 2)}\n`
      await expect(text).toMatchFileSnapshot(`templates/planned/${name}.json`)
    }
  )

  it('has an alarm for every delivery stream, those that read the stream themselves included', () => {
    const resources = Object.values(planTemplate(plans.everything).Resources)
    const made = resources
      .filter(({ Type }) => Type === 'AWS::KinesisFirehose::DeliveryStream')
      .map(({ Properties }) => Properties.DeliveryStreamName)
    const watched = resources
      .filter(({ Properties }) => Properties.Namespace === 'AWS/Firehose')
      .map(({ Properties }) => (Properties.Dimensions as { Value: unknown }[])[0]?.Value)
    expect(watched).toEqual(made)
  })

  it('is deterministic', () => {
    expect(compact(planTemplate(plans.everything))).toBe(
      compact(planTemplate(structuredClone(plans.everything)))
    )
  })

  it.each([plans.default, plans.ciphertext, plans.plain, plans.given])(
    'fits into a request with the profile core: %j',
    plan => {
      const bytes = Buffer.byteLength(compact(planTemplate(plan, { profile: 'core' })))
      expect(bytes).toBeLessThan(mostInlineTemplateBytes)
    }
  )

  it.each(Object.entries(plans))('refers in %s to nothing that is not there, and in no circle', (_, plan) => {
    for (const profile of ['core', 'full'] as const) {
      const { Resources, Outputs } = planTemplate(plan, { profile })
      const isThere = (id: string): boolean => id.startsWith('AWS::') || Object.hasOwn(Resources, id)
      expect(references(Outputs).filter(id => !isThere(id))).toEqual([])
      const open = new Map(
        Object.entries(Resources).map(([id, resource]) => {
          const ids = [...references(resource.Properties), ...(resource.DependsOn ?? [])]
          expect(ids.filter(each => !isThere(each))).toEqual([])
          return [id, new Set(ids.filter(each => !each.startsWith('AWS::')))]
        })
      )
      // Whatever depends on nothing that is left can be made; a circle never can.
      for (;;) {
        const next = [...open].filter(([, ids]) => [...ids].every(id => !open.has(id))).map(([id]) => id)
        if (next.length === 0) break
        for (const id of next) open.delete(id)
      }
      expect([...open.keys()]).toEqual([])
    }
  })

  it('holds no secret', () => {
    expect(compact(planTemplate(plans.everything))).not.toContain('not-in-a-template')
  })

  it('keeps what holds data, or opens it, when the stack goes', () => {
    const { Resources } = planTemplate(plans.everything)
    const types = ['Kinesis::Stream', 'KMS::Key', 'DynamoDB::Table', 'S3::Bucket', 'SQS::Queue']
    const kept = Object.values(Resources).filter(({ Type }) => types.some(type => Type === `AWS::${type}`))
    expect(kept.length).toBeGreaterThan(12)
    for (const { Type, DeletionPolicy, UpdateReplacePolicy } of kept) {
      expect({ Type, DeletionPolicy, UpdateReplacePolicy }).toEqual({
        Type,
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain'
      })
    }
  })

  it('leaves alarms, rules and endpoints out of the profile core, unless policies are pinned to endpoints', () => {
    const typesOf = (plan: PipelinePlan, profile: 'core' | 'full') =>
      new Set(Object.values(planTemplate(plan, { profile }).Resources).map(({ Type }) => Type))
    const inVpc = { name: 'orders', network }
    const pinned = { name: 'orders', network: { ...network, pinToEndpoint: true } }
    expect(typesOf(inVpc, 'full')).toContain('AWS::EC2::VPCEndpoint')
    expect(typesOf(inVpc, 'core')).not.toContain('AWS::EC2::VPCEndpoint')
    expect(typesOf(pinned, 'core')).toContain('AWS::EC2::VPCEndpoint')
    expect(typesOf(inVpc, 'full')).toContain('AWS::CloudWatch::Alarm')
    expect(typesOf(inVpc, 'core')).not.toContain('AWS::CloudWatch::Alarm')
  })

  it('lets go what is only passed on, and keeps what was delivered', () => {
    const { Resources } = planTemplate(plans.everything)
    const rulesOf = (id: string) =>
      (Resources[id]!.Properties.LifecycleConfiguration as { Rules: { Id: string }[] }).Rules.map(
        ({ Id }) => Id
      )
    expect(rulesOf('OrdersRedshiftBucket')).toEqual(['Staging', 'AbandonedUploads'])
    expect(rulesOf('OrdersDeadLettersBucket')).toEqual(['Replayed', 'AbandonedUploads'])
    expect(rulesOf('OrdersDeliveredBucket')).toEqual(['AbandonedUploads'])
  })

  it('moves what was delivered to Glacier when it is told to, and nothing else', () => {
    const { Resources } = planTemplate({ ...plans.everything, storage: { archive: { afterDays: 90 } } })
    const movesOf = (id: string) =>
      (
        Resources[id]!.Properties.LifecycleConfiguration as { Rules: { Transitions?: object[] }[] }
      ).Rules.flatMap(({ Transitions = [] }) => Transitions)
    expect(movesOf('OrdersDeliveredBucket')).toEqual([{ StorageClass: 'DEEP_ARCHIVE', TransitionInDays: 90 }])
    expect(movesOf('OrdersRedshiftBucket')).toEqual([])
    expect(movesOf('OrdersDeadLettersBucket')).toEqual([])
  })

  it('encrypts delivery streams that workers write to, and not those that read the stream', () => {
    const streams = Object.values(planTemplate(plans.everything).Resources).filter(
      ({ Type }) => Type === 'AWS::KinesisFirehose::DeliveryStream'
    )
    const encrypted = streams.map(({ Properties }) => [
      Properties.DeliveryStreamType,
      (Properties.DeliveryStreamEncryptionConfigurationInput as { KeyType: string } | undefined)?.KeyType
    ])
    expect(encrypted).toEqual([
      ...Array.from({ length: 5 }, () => ['DirectPut', 'CUSTOMER_MANAGED_CMK']),
      ['KinesisStreamAsSource', undefined]
    ])
  })

  it.each([
    [{ name: 'o', sealing: { keyId: '1234' } }, 'option sealing.keyId: expected the alias of a key'],
    [{ name: 'o', sealing: { context: { schema: placeholder } } }, 'sealing.context.schema: cannot hold'],
    [
      { name: 'o', sealing: { context: { [placeholder]: 'b' } } },
      "option sealing.context: cannot have a name with '${'"
    ],
    [
      { name: 'o', deadLetters: { queue: 'https://sqs.example.com/1/q' } },
      'option deadLetters.queue: expected'
    ],
    [{ name: 'o', sealing: { keyId: 'alias/o/state' } }, 'option sealing.keyId: is the alias of another key'],
    [
      { name: 'o', storage: { accessLogBucket: 'o-delivered' } },
      'option storage.accessLogBucket: holds something else'
    ],
    [
      { name: 'o', deadLetters: { keyId: 'alias/k' } },
      'option deadLetters.keyId: is another key than keys.state'
    ],
    [
      { name: 'o', deadLetters: { bucket: 'o-delivered' } },
      'option deadLetters.bucket: holds something else'
    ],
    [
      { name: 'o', destinations: [{ kind: 'opensearch', endpoint: 'https://search.example.com' }] },
      'option destinations[0].domainArn: expected the ARN of a domain'
    ],
    [
      { name: 'o', destinations: [{ kind: 'splunk', endpoint: 'https://hec.example.com', token: 't' }] },
      'option destinations[0].secret: is missing'
    ],
    [
      { name: 'o', destinations: [{ kind: 'splunk', endpoint: 'http://hec', token: 't', secret: 's' }] },
      'option destinations[0].endpoint: expected an address of https'
    ],
    [
      {
        name: 'o',
        destinations: [
          { kind: 's3', deliveryStreamName: 'a-b' },
          { kind: 's3', deliveryStreamName: 'a_b' }
        ]
      },
      'option plan: the names a-b and a_b differ in punctuation alone'
    ]
  ] as const)('refuses %j', (plan, message) => {
    expect(() => planTemplate(plan)).toThrow(message)
  })

  it('refuses more tenants than the policy of a role can name', () => {
    const tenants = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, 'made']))
    expect(() => planTemplate({ name: 'o', sealing: { tenants: tenants(15) } })).not.toThrow()
    expect(() => planTemplate({ name: 'o', sealing: { tenants: tenants(40) } })).toThrow(
      /^option plan: the policy of the role o-consumer would have \d+ characters, and IAM takes 10240/
    )
  })

  it('has event patterns that EventBridge takes, also with many keys', () => {
    const tenants = Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`t${index}`, 'made']))
    const { Resources } = planTemplate({ name: 'orders', sealing: { tenants } })
    const patterns = Object.values(Resources)
      .filter(({ Type }) => Type === 'AWS::Events::Rule')
      .map(({ Properties }) => JSON.stringify(Properties.EventPattern))
    expect(patterns).toHaveLength(3)
    const keyArn = 'arn:aws:kms:ap-southeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    for (const pattern of patterns) {
      // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
      expect(pattern.replaceAll(/\{"Fn::GetAtt":[^}]*\}/g, `"${keyArn}"`).length).toBeLessThanOrEqual(2_048)
    }
  })

  it('does not quote what it refuses in a context', () => {
    const plan = { name: 'o', sealing: { context: { schema: `hush ${placeholder}` } } }
    expect(() => planTemplate(plan)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hush') })
    )
  })

  it('refuses a profile that it does not know', () => {
    expect(() => planTemplate({ name: 'o' }, { profile: 'small' as 'core' })).toThrow(
      'option profile: expected'
    )
  })
})
