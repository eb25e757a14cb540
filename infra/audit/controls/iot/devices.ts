import type { AuditModel, AuditResource } from '../../model.ts'
import { isObject, knownListAt, resourceFor, resourcesOf, valueAt } from '../../readers.ts'

/** Rules that put what devices send into a stream. */
export function streamRulesOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::IoT::TopicRule').filter(rule => kinesisActionsOf(rule).length > 0)
}

export function kinesisActionsOf({ properties }: AuditResource): readonly unknown[] {
  return knownListAt(properties, 'TopicRulePayload', 'Actions')
    .map(action => valueAt(action, 'Kinesis'))
    .filter(isObject)
}

/** Whether devices send here: the settings of an account are nobody's business where none does. */
export function hasDevices(model: AuditModel): boolean {
  return (
    resourcesOf(model, 'AWS::IoT::Thing', 'AWS::IoT::Policy', 'AWS::IoT::ProvisioningTemplate').length > 0 ||
    streamRulesOf(model).length > 0
  )
}

/** Attachments of certificates, or identities of Cognito, to a thing. */
export function principalsOfThing(model: AuditModel, thing: AuditResource): readonly unknown[] {
  return attachmentsToThings(model)
    .filter(each => resourceFor(model, each.properties.ThingName, 'AWS::IoT::Thing') === thing)
    .map(({ properties }) => properties.Principal)
}

/** Names of the things that have a principal. */
export function thingsOfPrincipal(model: AuditModel, principal: unknown): readonly unknown[] {
  const names = attachmentsToThings(model)
    .filter(({ properties }) => properties.Principal === principal)
    .map(({ properties: { ThingName: name } }) => resourceFor(model, name, 'AWS::IoT::Thing')?.arn ?? name)
  return [...new Set(names)]
}

function attachmentsToThings(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::IoT::ThingPrincipalAttachment')
}
