import type { Finding } from './control.ts'
import { judge, type Problem, unknown } from './judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from './model.ts'
import { isObject, knownListAt, resourceFor, resourcesOf, textAt, valueAt } from './readers.ts'

/** One destination of a delivery stream. */
export interface DeliveryDestination {
  /** Property that holds it, such as `RedshiftDestinationConfiguration`. */
  readonly name: string
  readonly configuration: Readonly<Record<string, unknown>>
}

/** A place in S3 that a delivery stream writes to. */
export interface DeliveryObjects {
  /** Path of the property, such as `RedshiftDestinationConfiguration.S3Configuration`. */
  readonly path: string
  /** `sink`: what was delivered; `staging`: what Redshift copies from; `backup`: sources, and what was not delivered. */
  readonly use: 'sink' | 'staging' | 'backup'
  readonly configuration: Readonly<Record<string, unknown>>
}

const s3Destinations = ['ExtendedS3DestinationConfiguration', 'S3DestinationConfiguration']

export function deliveryStreamsOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::KinesisFirehose::DeliveryStream')
}

/** Configurations of destinations; one that cannot be told is not among them, see `unknownPartsOf`. */
export function destinationsOf({ properties }: AuditResource): readonly DeliveryDestination[] {
  return Object.entries(properties).flatMap(([name, configuration]) =>
    name.endsWith('DestinationConfiguration') && isObject(configuration) ? [{ name, configuration }] : []
  )
}

/** What the functions here leave out because it cannot be told: a control that looked at the rest has not seen all. */
export function unknownPartsOf(stream: AuditResource): readonly Problem[] {
  const whole = Object.entries(stream.properties).filter(([, value]) => value === unknownValue)
  const parts = destinationsOf(stream).flatMap(({ name, configuration }) =>
    ['S3Configuration', 'S3BackupConfiguration', 'ProcessingConfiguration']
      .filter(member => configuration[member] === unknownValue)
      .map(member => `${name}.${member}`)
  )
  return [
    ...whole.map(([name]) => name).filter(name => name.endsWith('DestinationConfiguration')),
    ...parts
  ].map(name => unknown(`${name} cannot be told`))
}

/** Every place in S3: of the destination itself, of what it copies from, of sources and failures. */
export function objectsOf(stream: AuditResource): readonly DeliveryObjects[] {
  return destinationsOf(stream).flatMap(({ name, configuration }) => [
    ...(s3Destinations.includes(name) ? [{ path: name, use: 'sink' as const, configuration }] : []),
    ...inside(name, configuration, 'S3Configuration', name.startsWith('Redshift') ? 'staging' : 'backup'),
    ...inside(name, configuration, 'S3BackupConfiguration', 'backup')
  ])
}

export function isFedByKinesis({ properties }: AuditResource): boolean {
  return (
    textAt(properties, 'DeliveryStreamType') === 'KinesisStreamAsSource' ||
    isObject(properties.KinesisStreamSourceConfiguration)
  )
}

/** ARNs of the functions that transform its records; `unknownValue` for one that cannot be told. */
export function transformsOf(stream: AuditResource): readonly unknown[] {
  return destinationsOf(stream).flatMap(({ configuration }) =>
    processorsOf(configuration).map(processor => parameterOf(processor, 'LambdaArn'))
  )
}

/** Processors of the type `Lambda`, unless processing is off. */
export function processorsOf(configuration: unknown): readonly unknown[] {
  const enabled = valueAt(configuration, 'ProcessingConfiguration', 'Enabled')
  if (enabled === false || enabled === 'false') return []
  return knownListAt(configuration, 'ProcessingConfiguration', 'Processors').filter(
    processor => valueAt(processor, 'Type') === 'Lambda'
  )
}

export function parameterOf(processor: unknown, name: string): unknown {
  const parameter = knownListAt(processor, 'Parameters').find(each => valueAt(each, 'ParameterName') === name)
  return valueAt(parameter, 'ParameterValue')
}

/** ARNs of the roles with which it delivers. */
export function deliveryRolesOf(stream: AuditResource): readonly unknown[] {
  return unique([
    ...destinationsOf(stream).map(({ configuration }) => valueAt(configuration, 'RoleARN')),
    ...objectsOf(stream).map(({ configuration }) => valueAt(configuration, 'RoleARN'))
  ])
}

/** Those, and the role with which it reads its stream. */
function rolesOf(stream: AuditResource): readonly unknown[] {
  return unique([
    ...deliveryRolesOf(stream),
    valueAt(stream.properties, 'KinesisStreamSourceConfiguration', 'RoleARN')
  ])
}

/**
 * Findings about the roles of each delivery stream that has any. A role that is not here cannot be told. `evidence` is what
 * was seen where all of them pass.
 */
export function judgeRoles(
  model: AuditModel,
  problemsOf: (role: AuditResource, stream: AuditResource) => readonly Problem[],
  evidence: string
): readonly Finding[] {
  return deliveryStreamsOf(model).flatMap(stream => {
    const roles = rolesOf(stream)
    if (roles.length === 0) return []
    const problems = roles.flatMap(reference => {
      const role = resourceFor(model, reference, 'AWS::IAM::Role')
      return role === undefined ? [unknown('a role that it uses is not here')] : problemsOf(role, stream)
    })
    return [judge(stream, [...unknownPartsOf(stream), ...problems], evidence)]
  })
}

/** Delivery streams that write to a bucket, with the places that they write to. */
export function writersTo(
  model: AuditModel,
  bucket: AuditResource
): readonly { readonly stream: AuditResource; readonly objects: DeliveryObjects }[] {
  return deliveryStreamsOf(model).flatMap(stream =>
    objectsOf(stream)
      .filter(
        ({ configuration }) => resourceFor(model, configuration.BucketARN, 'AWS::S3::Bucket') === bucket
      )
      .map(objects => ({ stream, objects }))
  )
}

function inside(
  name: string,
  configuration: Readonly<Record<string, unknown>>,
  member: string,
  use: DeliveryObjects['use']
): readonly DeliveryObjects[] {
  const value = configuration[member]
  return isObject(value) ? [{ path: `${name}.${member}`, use, configuration: value }] : []
}

function unique(values: readonly unknown[]): readonly unknown[] {
  return [...new Set(values.filter(value => value !== undefined))]
}
