import { InvalidOptionError } from '../../core/errors.ts'
import { partitionOf } from '../scope.ts'
import { type UnresolvedReference, unknownValue } from './model.ts'
import { isObject } from './readers.ts'
import { TemplateConditions } from './template/conditions.ts'
import { memberOf, type TemplateDocument, type TemplateResource } from './template/document.ts'
import {
  namePropertyOf,
  resourceArn,
  resourceAttribute,
  resourceRef,
  type TemplateScope,
  urlSuffixOf
} from './template/resource-names.ts'

/** What a template is told from outside. */
export interface ResolverOptions {
  /** @default '123456789012' */
  readonly accountId?: string
  /** @default 'us-east-1' */
  readonly region?: string
  /** @default the partition of the region */
  readonly partition?: string
  /** @default 'stack' */
  readonly stackName?: string
  /** Parameter -> value, before its default. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Name of an export of another stack -> its value. */
  readonly imports?: Readonly<Record<string, string>>
}

/** Stands for `AWS::NoValue` until what holds it leaves it out. */
const noValue = Symbol('no value')

// Ours: CloudFormation's own templates of 1 MB stay far below both.
const maxDepth = 100
const maxTextLength = 100_000

type Intrinsic = (argument: unknown, at: Place) => unknown

interface Place {
  readonly location: string
  readonly depth: number
}

/**
 * Puts values where a template has references. The same resource is the same ARN everywhere: made of its name where the
 * template tells it, or else of its logical id. What cannot be told becomes `unknownValue`, and is listed in `unresolved`.
 * @throws InvalidOptionError for functions with wrong arguments, cycles, and values nested deeper than 100 levels.
 */
export class TemplateResolver {
  readonly scope: TemplateScope
  readonly #template: TemplateDocument
  readonly #options: ResolverOptions
  readonly #conditions: TemplateConditions
  readonly #unresolved = new Map<string, UnresolvedReference>()
  readonly #identities = new Map<string, { name: string; arn: string }>()
  readonly #identifying = new Set<string>()
  readonly #intrinsics: Readonly<Record<string, Intrinsic>> = {
    Ref: (name, at) => this.#ref(textOf(name, at, 'Ref'), at),
    'Fn::GetAtt': (argument, at) => this.#getAtt(argument, at),
    'Fn::Sub': (argument, at) => this.#sub(argument, at),
    'Fn::Join': (argument, at) => this.#join(argument, at),
    'Fn::If': (argument, at) => this.#if(argument, at),
    'Fn::Select': (argument, at) => this.#select(argument, at),
    'Fn::Split': (argument, at) => this.#split(argument, at),
    'Fn::FindInMap': (argument, at) => this.#findInMap(argument, at),
    'Fn::ImportValue': (argument, at) => this.#importValue(argument, at),
    'Fn::GetAZs': () => ['a', 'b', 'c'].map(zone => `${this.scope.region}${zone}`),
    'Fn::Base64': (argument, at) => {
      const text = this.#resolve(argument, at)
      return typeof text === 'string' ? Buffer.from(text).toString('base64') : unknownValue
    }
  }

  constructor(template: TemplateDocument, options: ResolverOptions = {}) {
    const { region = 'us-east-1', accountId = '123456789012' } = options
    this.scope = { region, accountId, partition: options.partition ?? partitionOf(region) }
    this.#template = template
    this.#options = options
    this.#conditions = new TemplateConditions(template.Conditions, (value, location) =>
      this.resolve(value, location)
    )
    for (const transform of template.transforms) {
      this.#unknown({ location: 'Transform', depth: 0 }, `${transform} is not run`)
    }
  }

  /** In the order in which they were met. */
  get unresolved(): readonly UnresolvedReference[] {
    return [...this.#unresolved.values()]
  }

  /** False for a resource whose condition does not hold. One whose condition cannot be told may be there. */
  isPresent(id: string): boolean {
    const { Condition: condition } = this.#template.Resources[id]!
    if (condition === undefined) return true
    const truth = this.#conditions.decide(condition)
    if (truth === undefined) {
      this.#unknown(
        { location: `Resources.${id}.Condition`, depth: 0 },
        `condition ${condition} cannot be told`
      )
    }
    return truth ?? true
  }

  /** ARN of a resource of the template, made up of its logical id where nothing names it. */
  arnOf(id: string): string {
    return this.#identityOf(id, this.#template.Resources[id]!).arn
  }

  /** The value with every function in it carried out. `location` is the path of the value, for `unresolved`. */
  resolve(value: unknown, location: string): unknown {
    const resolved = this.#resolve(value, { location, depth: 0 })
    return resolved === noValue ? undefined : resolved
  }

  #resolve(value: unknown, at: Place): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (at.depth >= maxDepth) {
      throw new InvalidOptionError(`template.${at.location}`, `is nested deeper than ${maxDepth} levels`)
    }
    if (Array.isArray(value)) {
      return value
        .map((each, index) => this.#resolve(each, inside(at, `[${index}]`)))
        .filter(each => each !== noValue)
    }
    const entries = Object.entries(value)
    const [name, argument] = entries.length === 1 ? entries[0]! : []
    if (name !== undefined && Object.hasOwn(this.#intrinsics, name)) {
      return this.#intrinsics[name]!(argument, inside(at, ''))
    }
    if (name?.startsWith('Fn::')) return this.#unknown(at, `${name} is not known here`)
    const resolved = entries.map(([key, each]) => [key, this.#resolve(each, inside(at, `.${key}`))] as const)
    return Object.fromEntries(resolved.filter(([, each]) => each !== noValue))
  }

  #ref(name: string, at: Place): unknown {
    const resource = memberOf(this.#template.Resources, name) as TemplateResource | undefined
    if (resource !== undefined) {
      const identity = this.#identityOf(name, resource)
      return resourceRef(resource.Type, identity.name, identity.arn, this.scope)
    }
    return name.startsWith('AWS::') ? this.#pseudoParameter(name, at) : this.#parameter(name, at)
  }

  #pseudoParameter(name: string, at: Place): unknown {
    const { partition, region, accountId } = this.scope
    const { stackName = 'stack' } = this.#options
    switch (name) {
      case 'AWS::NoValue':
        return noValue
      case 'AWS::AccountId':
        return accountId
      case 'AWS::Region':
        return region
      case 'AWS::Partition':
        return partition
      case 'AWS::URLSuffix':
        return urlSuffixOf(this.scope)
      case 'AWS::StackName':
        return stackName
      case 'AWS::StackId':
        return `arn:${partition}:cloudformation:${region}:${accountId}:stack/${stackName}/0`
      case 'AWS::NotificationARNs':
        return []
    }
    return this.#unknown(at, `${name} is not known here`)
  }

  #parameter(name: string, at: Place): unknown {
    const parameter = memberOf(this.#template.Parameters, name)
    if (!isObject(parameter)) return this.#unknown(at, `there is no resource or parameter ${name}`)
    const type = String(parameter.Type)
    const given = memberOf(this.#options.parameters ?? {}, name)
    // The default of such a parameter is where its value stands, not the value.
    const value = given ?? (type.startsWith('AWS::SSM::Parameter::Value') ? undefined : parameter.Default)
    if (value === undefined) return this.#unknown(at, `parameter ${name} has no value`)
    if (!/^(CommaDelimitedList|List<)/.test(type)) return value
    return String(value)
      .split(',')
      .map(each => each.trim())
  }

  #getAtt(argument: unknown, at: Place): unknown {
    const [id, ...rest] =
      typeof argument === 'string' ? argument.split('.') : list(argument, at, 'Fn::GetAtt')
    const attribute = rest.map(part => this.#resolve(part, at))
    if (attribute.includes(unknownValue)) return unknownValue
    const name = attribute.map(part => textOf(part, at, 'Fn::GetAtt')).join('.')
    return this.#attribute(textOf(id, at, 'Fn::GetAtt'), name, at)
  }

  #attribute(id: string, attribute: string, at: Place): unknown {
    const resource = memberOf(this.#template.Resources, id) as TemplateResource | undefined
    if (resource === undefined) return this.#unknown(at, `there is no resource ${id}`)
    const { Type: type } = resource
    if (/^(Custom::|AWS::CloudFormation::)/.test(type)) {
      return this.#unknown(at, `${id} is a ${type}: what it answers is not in the template`)
    }
    return resourceAttribute({ id, type, ...this.#identityOf(id, resource) }, attribute)
  }

  #sub(argument: unknown, at: Place): unknown {
    const [text, variables] = typeof argument === 'string' ? [argument, {}] : list(argument, at, 'Fn::Sub')
    if (typeof text !== 'string' || !isObject(variables)) throw wrongArgument(at, 'Fn::Sub', 'a text')
    let unknown = false
    let length = text.length
    const result = text.replace(/\$\{([^}]*)\}/g, (_, inner: string) => {
      if (inner.startsWith('!')) return `\${${inner.slice(1)}}`
      const name = inner.trim()
      const dot = name.indexOf('.')
      let value: unknown
      if (Object.hasOwn(variables, name)) value = this.#resolve(variables[name], inside(at, `.${name}`))
      else if (dot > 0) value = this.#attribute(name.slice(0, dot), name.slice(dot + 1), at)
      else value = this.#ref(name, at)
      if (typeof value === 'object' || typeof value === 'symbol') unknown = true
      length += String(value).length
      checkLength(length, at)
      return String(value)
    })
    return unknown ? unknownValue : result
  }

  #join(argument: unknown, at: Place): unknown {
    const [delimiter, parts] = list(argument, at, 'Fn::Join')
    if (typeof delimiter !== 'string') throw wrongArgument(at, 'Fn::Join', 'a delimiter and a list')
    const values = this.#resolve(parts, at)
    if (values === unknownValue) return unknownValue
    if (!Array.isArray(values)) throw wrongArgument(at, 'Fn::Join', 'a delimiter and a list')
    if (values.includes(unknownValue)) return unknownValue
    const texts = values.map(each => textOf(each, at, 'Fn::Join'))
    checkLength(
      texts.reduce((length, each) => length + each.length + delimiter.length, 0),
      at
    )
    return texts.join(delimiter)
  }

  #if(argument: unknown, at: Place): unknown {
    const [name, then, otherwise] = list(argument, at, 'Fn::If')
    const condition = textOf(name, at, 'Fn::If')
    const truth = this.#conditions.decide(condition)
    if (truth === undefined) return this.#unknown(at, `condition ${condition} cannot be told`)
    return this.#resolve(truth ? then : otherwise, at)
  }

  #select(argument: unknown, at: Place): unknown {
    const [index, values] = list(argument, at, 'Fn::Select').map(each => this.#resolve(each, at))
    if (index === unknownValue || values === unknownValue) return unknownValue
    if (!Array.isArray(values)) throw wrongArgument(at, 'Fn::Select', 'an index and a list')
    const position = textOf(index, at, 'Fn::Select')
    return values[Number(position)] ?? this.#unknown(at, `Fn::Select: there is no item ${position}`)
  }

  #split(argument: unknown, at: Place): unknown {
    const [delimiter, text] = list(argument, at, 'Fn::Split').map(each => this.#resolve(each, at))
    if (text === unknownValue) return unknownValue
    if (typeof delimiter !== 'string' || delimiter === '' || typeof text !== 'string') {
      throw wrongArgument(at, 'Fn::Split', 'a delimiter and a text')
    }
    return text.split(delimiter)
  }

  #findInMap(argument: unknown, at: Place): unknown {
    const [map, first, second, options] = list(argument, at, 'Fn::FindInMap')
    const resolved = [map, first, second].map(each => this.#resolve(each, at))
    if (resolved.includes(unknownValue)) return unknownValue
    const keys = resolved.map(each => textOf(each, at, 'Fn::FindInMap'))
    let value: unknown = this.#template.Mappings
    for (const key of keys) value = isObject(value) ? memberOf(value, key) : undefined
    if (value !== undefined) return value
    if (isObject(options) && Object.hasOwn(options, 'DefaultValue')) {
      return this.#resolve(options.DefaultValue, at)
    }
    return this.#unknown(at, `Fn::FindInMap: there is no ${keys.join('.')}`)
  }

  #importValue(argument: unknown, at: Place): unknown {
    const name = this.#resolve(argument, at)
    if (typeof name !== 'string') return unknownValue
    return (
      memberOf(this.#options.imports ?? {}, name) ?? this.#unknown(at, `${name} is exported by another stack`)
    )
  }

  #identityOf(id: string, resource: TemplateResource): { name: string; arn: string } {
    const known = this.#identities.get(id)
    if (known !== undefined) return known
    if (this.#identifying.has(id)) throw new InvalidOptionError(`template.Resources.${id}`, 'rests on itself')
    this.#identifying.add(id)
    const identity = this.#identify(id, resource)
    this.#identifying.delete(id)
    this.#identities.set(id, identity)
    return identity
  }

  #identify(id: string, { Type: type, Properties: properties = {} }: TemplateResource) {
    const property = (name: string): string | undefined => {
      const value = this.resolve(memberOf(properties, name), `Resources.${id}.Properties.${name}`)
      return typeof value === 'string' && value !== '' ? value : undefined
    }
    switch (type) {
      case 'AWS::Lambda::Alias':
      case 'AWS::Lambda::Version': {
        const target = property('FunctionName') ?? id
        const functionArn = target.startsWith('arn:')
          ? target
          : resourceArn('AWS::Lambda::Function', target, this.scope)
        const arn = `${functionArn}:${property('Name') ?? id}`
        // What Ref gives of both is the ARN.
        return { name: arn, arn }
      }
      case 'AWS::Kinesis::StreamConsumer': {
        const arn = `${property('StreamARN') ?? id}/consumer/${property('ConsumerName') ?? id}:0`
        return { name: arn, arn }
      }
    }
    const nameIn = namePropertyOf(type)
    const name = (nameIn === undefined ? undefined : property(nameIn)) ?? id
    const path = type.startsWith('AWS::IAM::') ? property('Path') : undefined
    return { name, arn: resourceArn(type, name, this.scope, path) }
  }

  #unknown({ location }: Place, reason: string): typeof unknownValue {
    this.#unresolved.set(`${location}\n${reason}`, { location, reason })
    return unknownValue
  }
}

function inside({ location, depth }: Place, step: string): Place {
  return { location: `${location}${step}`, depth: depth + 1 }
}

function list(argument: unknown, at: Place, name: string): readonly unknown[] {
  if (Array.isArray(argument)) return argument
  throw wrongArgument(at, name, 'a list')
}

function textOf(value: unknown, at: Place, name: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  throw wrongArgument(at, name, 'a text')
}

function wrongArgument({ location }: Place, name: string, expected: string): InvalidOptionError {
  return new InvalidOptionError(`template.${location}`, `${name}: expected ${expected}`)
}

/** Names that are made of names can double at every step: refused before they are made. */
function checkLength(length: number, { location }: Place): void {
  if (length > maxTextLength) {
    throw new InvalidOptionError(`template.${location}`, `becomes longer than ${maxTextLength} characters`)
  }
}
