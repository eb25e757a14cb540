import type { Control, Finding } from '../../control.ts'
import { judge, type Problem, toConfirm, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isObject, resourcesOf, valueAt } from '../../readers.ts'
import { principalsOfThing, thingsOfPrincipal } from './devices.ts'

export const iot01: Control = {
  id: 'IOT-01',
  severity: 'high',
  title:
    'Each device has a certificate or an identity of Cognito of its own, which can be revoked by itself.',
  rationale:
    'A device that is stolen is shut out by its certificate. One that devices share cannot be revoked without shutting ' +
    'out all of them, and nobody can say which of them sent a record.',
  fix: 'Attach one certificate to each thing, or let a provisioning template make it.',
  kind: 'resources',
  sources: { statements: [28, 29] },
  reads: ['iot:DescribeThing'],
  evaluate: model => [
    ...resourcesOf(model, 'AWS::IoT::Thing').map(thing =>
      judge(thing, thingProblems(model, thing), 'its certificate or identity is its own')
    ),
    ...resourcesOf(model, 'AWS::IoT::ProvisioningTemplate').map(judgeTemplate)
  ]
}

function thingProblems(model: AuditModel, thing: AuditResource): readonly Problem[] {
  const principals = principalsOfThing(model, thing)
  if (principals.length === 0) {
    return [toConfirm('nothing here is attached to it: how it authenticates is to be said')]
  }
  return principals.flatMap(principal => {
    if (typeof principal !== 'string') return [unknown('its certificate cannot be told')]
    if (!isDevicePrincipal(principal))
      return [wrong('it has neither a certificate nor an identity of Cognito')]
    const things = thingsOfPrincipal(model, principal)
    if (things.length > 1) return [wrong(`it shares its certificate: ${things.length} things have it`)]
    return []
  })
}

/** A certificate by its ARN, or an identity as `<region>:<id>`. */
function isDevicePrincipal(principal: string): boolean {
  return (
    /^arn:[^:]+:iot:[^:]*:[^:]*:cert\//.test(principal) || /^[a-z]{2}(-[a-z]+)+-\d:[\w-]+$/.test(principal)
  )
}

/** A template by which devices are registered makes, or activates, a certificate for each. */
function judgeTemplate(template: AuditResource): Finding {
  const resources = valueAt(bodyOf(template), 'Resources')
  if (!isObject(resources)) return judge(template, [unknown('its TemplateBody cannot be told')], '')
  const types = Object.values(resources).map(each => valueAt(each, 'Type'))
  return judge(
    template,
    types.includes('AWS::IoT::Certificate') ? [] : [wrong('it gives devices no certificate')],
    'it gives each device a certificate'
  )
}

function bodyOf({ properties: { TemplateBody: body } }: AuditResource): unknown {
  if (typeof body !== 'string') return unknownValue
  try {
    return JSON.parse(body)
  } catch {
    return unknownValue
  }
}
