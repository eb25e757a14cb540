import { InvalidOptionError } from '../../../core/errors.ts'
import { isObject } from '../readers.ts'

/** What stands under one logical id. */
export interface TemplateResource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
  readonly Condition?: string
  readonly DeletionPolicy?: unknown
}

/** The sections of a CloudFormation template that decide what is made. */
export interface TemplateDocument {
  readonly Resources: Readonly<Record<string, TemplateResource>>
  readonly Parameters: Readonly<Record<string, unknown>>
  readonly Mappings: Readonly<Record<string, unknown>>
  readonly Conditions: Readonly<Record<string, unknown>>
  readonly Outputs: Readonly<Record<string, unknown>>
  /** Names of macros, none of which is run here. */
  readonly transforms: readonly string[]
}

/** @throws InvalidOptionError for what is no template: its `option` is the path of what is wrong, such as `template.Resources`. */
export function checkTemplate(value: unknown): TemplateDocument {
  if (!isObject(value)) throw new InvalidOptionError('template', 'expected an object with Resources')
  const resources = sectionOf(value, 'Resources')
  if (value.Resources === undefined) {
    throw new InvalidOptionError('template.Resources', 'is missing: expected a template of CloudFormation')
  }
  for (const [id, resource] of Object.entries(resources)) {
    const path = `template.Resources.${id}`
    if (!isObject(resource)) throw new InvalidOptionError(path, 'expected an object')
    if (typeof resource.Type !== 'string') {
      throw new InvalidOptionError(`${path}.Type`, `expected a string, found ${typeof resource.Type}`)
    }
    if (resource.Properties !== undefined && !isObject(resource.Properties)) {
      throw new InvalidOptionError(`${path}.Properties`, 'expected an object')
    }
    if (resource.Condition !== undefined && typeof resource.Condition !== 'string') {
      throw new InvalidOptionError(`${path}.Condition`, 'expected the name of a condition')
    }
  }
  const { Transform: transform = [] } = value
  return {
    Resources: resources as Record<string, TemplateResource>,
    Parameters: sectionOf(value, 'Parameters'),
    Mappings: sectionOf(value, 'Mappings'),
    Conditions: sectionOf(value, 'Conditions'),
    Outputs: sectionOf(value, 'Outputs'),
    transforms: (Array.isArray(transform) ? transform : [transform]).map(each =>
      typeof each === 'string' ? each : 'AWS::Include'
    )
  }
}

function sectionOf(template: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const section = template[name] ?? {}
  if (!isObject(section)) throw new InvalidOptionError(`template.${name}`, 'expected an object')
  return section
}

/** Own member of an object, so that a template cannot name what every object has. */
export function memberOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
