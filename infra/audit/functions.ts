import { deliveryStreamsOf, transformsOf } from './delivery-streams.ts'
import type { AuditModel, AuditResource } from './model.ts'
import { resourceFor, resourcesOf, textAt } from './readers.ts'

export function functionsOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::Lambda::Function')
}

/** The function that a name, an ARN with or without qualifier, an alias or a version means. */
export function functionFor(model: AuditModel, reference: unknown): AuditResource | undefined {
  if (typeof reference !== 'string') return undefined
  const qualified = qualifierFor(model, reference)
  if (qualified !== undefined) {
    return resourceFor(model, qualified.properties.FunctionName, 'AWS::Lambda::Function')
  }
  const [, arn = reference] = /^(arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+)/.exec(reference) ?? []
  return resourceFor(model, arn, 'AWS::Lambda::Function')
}

/** The alias or version of the model that a reference means. */
export function qualifierFor(model: AuditModel, reference: unknown): AuditResource | undefined {
  return resourceFor(model, reference, 'AWS::Lambda::Alias', 'AWS::Lambda::Version')
}

/** Functions that transform the records of a delivery stream. */
export function transformFunctionsOf(model: AuditModel): readonly AuditResource[] {
  const found = deliveryStreamsOf(model)
    .flatMap(transformsOf)
    .map(reference => functionFor(model, reference))
  return functionsOf(model).filter(each => found.includes(each))
}

/** Event source mappings that read a Kinesis stream. */
export function streamMappingsOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::Lambda::EventSourceMapping').filter(({ properties }) =>
    textAt(properties, 'EventSourceArn')?.includes(':kinesis:')
  )
}

/** Functions through which records go: transforms, and those that read a stream. */
export function recordFunctionsOf(model: AuditModel): readonly AuditResource[] {
  const readers = streamMappingsOf(model).map(({ properties }) => functionFor(model, properties.FunctionName))
  const transforms = transformFunctionsOf(model)
  return functionsOf(model).filter(each => transforms.includes(each) || readers.includes(each))
}
