import { type AuditResource, unknownValue } from '../../model.ts'
import { isObject, knownListAt, textAt, valueAt } from '../../readers.ts'
import { resourceArn, type TemplateScope } from '../../template/resource-names.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'
import { readQueue } from './storage.ts'

/** A thing with what is attached to it, and the other things to which that is attached. */
export async function readThing(reader: AccountReader, name: string): Promise<readonly AuditResource[]> {
  if (!reader.has('iot')) return []
  const answer = await reader.read(
    { service: 'iot', operation: 'DescribeThing', input: { thingName: name } },
    name
  )
  const arn = textAt(answer, 'thingArn')
  if (arn === undefined) return []
  const principals = await reader.readPages(
    { service: 'iot', operation: 'ListThingPrincipals', input: { thingName: name } },
    name,
    { list: 'principals', next: 'nextToken', token: 'nextToken' }
  )
  const found = [resource('AWS::IoT::Thing', name, arn, 'iot:DescribeThing', { ThingName: name })]
  for (const principal of principals === unknownValue ? [unknownValue] : principals) {
    found.push(attachment(principal, name))
    if (typeof principal === 'string') found.push(...(await readOthers(reader, principal, name)))
  }
  return found
}

async function readOthers(
  reader: AccountReader,
  principal: string,
  thing: string
): Promise<readonly AuditResource[]> {
  const things = await reader.readPages(
    { service: 'iot', operation: 'ListPrincipalThings', input: { principal } },
    thing,
    { list: 'things', next: 'nextToken', token: 'nextToken' }
  )
  // Whether others have it cannot be told: neither can it of this one that it is its own.
  if (things === unknownValue) return [attachment(unknownValue, thing)]
  return things.filter(each => each !== thing).map(each => attachment(principal, String(each)))
}

function attachment(principal: unknown, thing: string): AuditResource {
  const id = `${thing} ${typeof principal === 'string' ? principal : 'principals'}`
  return resource('AWS::IoT::ThingPrincipalAttachment', id, id, 'iot:ListThingPrincipals', {
    ThingName: thing,
    Principal: principal
  })
}

/** A policy of devices, and to what it is attached. */
export async function readThingPolicy(
  reader: AccountReader,
  name: string
): Promise<readonly AuditResource[]> {
  if (!reader.has('iot')) return []
  const answer = await reader.read(
    { service: 'iot', operation: 'GetPolicy', input: { policyName: name } },
    name
  )
  const arn = textAt(answer, 'policyArn')
  if (arn === undefined) return []
  const targets = await reader.readPages(
    { service: 'iot', operation: 'ListTargetsForPolicy', input: { policyName: name } },
    name,
    { list: 'targets', next: 'nextMarker', token: 'marker' }
  )
  return [
    resource('AWS::IoT::Policy', name, arn, 'iot:GetPolicy', {
      PolicyName: name,
      PolicyDocument: valueAt(answer, 'policyDocument')
    }),
    ...(targets === unknownValue ? [unknownValue] : targets).map(target => {
      const id = `${name} ${typeof target === 'string' ? target : 'targets'}`
      return resource('AWS::IoT::PolicyPrincipalAttachment', id, id, 'iot:ListTargetsForPolicy', {
        PolicyName: name,
        Principal: target
      })
    })
  ]
}

/** A rule by which what devices send goes elsewhere, and the queue of what did not. */
export async function readTopicRule(reader: AccountReader, name: string): Promise<readonly AuditResource[]> {
  if (!reader.has('iot')) return []
  const answer = await reader.read(
    { service: 'iot', operation: 'GetTopicRule', input: { ruleName: name } },
    name
  )
  const arn = textAt(answer, 'ruleArn')
  if (arn === undefined) return []
  const rule = valueAt(answer, 'rule')
  const queue = textAt(rule, 'errorAction', 'sqs', 'queueUrl')
  return [
    resource('AWS::IoT::TopicRule', name, arn, 'iot:GetTopicRule', {
      RuleName: name,
      TopicRulePayload: {
        Actions: capitalized(valueAt(rule, 'actions')),
        ErrorAction: capitalized(valueAt(rule, 'errorAction'))
      }
    }),
    ...(queue === undefined ? [] : await readQueue(reader, queue))
  ]
}

/** What the account has set for all of its devices. */
export async function readDeviceSettings(
  reader: AccountReader,
  scope: TemplateScope
): Promise<readonly AuditResource[]> {
  if (!reader.has('iot')) return []
  const read = (operation: string, input: object = {}) =>
    reader.read({ service: 'iot', operation, input: { ...input } }, '*')
  const encryption = await read('DescribeEncryptionConfiguration')
  const listed = await reader.readPages(
    { service: 'iot', operation: 'ListDomainConfigurations', input: { serviceType: 'DATA' } },
    '*',
    { list: 'domainConfigurations', next: 'nextMarker', token: 'marker' }
  )
  const type = 'AWS::IoT::EncryptionConfiguration'
  const found = isObject(encryption)
    ? [
        resource(
          type,
          'encryption',
          resourceArn(type, 'encryption', scope),
          'iot:DescribeEncryptionConfiguration',
          {
            EncryptionType: encryption.encryptionType,
            KmsKeyArn: encryption.kmsKeyArn,
            KmsAccessRoleArn: encryption.kmsAccessRoleArn
          }
        )
      ]
    : []
  for (const each of knownListAt(listed)) {
    const name = textAt(each, 'domainConfigurationName') ?? ''
    const domain = await read('DescribeDomainConfiguration', { domainConfigurationName: name })
    if (!isObject(domain) || domain.domainConfigurationStatus === 'DISABLED') continue
    found.push(
      resource(
        'AWS::IoT::DomainConfiguration',
        name,
        textAt(domain, 'domainConfigurationArn') ?? name,
        'iot:DescribeDomainConfiguration',
        {
          ServiceType: domain.serviceType,
          TlsConfig: { SecurityPolicy: valueAt(domain, 'tlsConfig', 'securityPolicy') }
        }
      )
    )
  }
  return found
}

/** CloudFormation begins every name with a capital letter. */
function capitalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(capitalized)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      capitalized(each)
    ])
  )
}
