import { arnComponents, splitArn } from './arn.ts'

/** A value of a policy with its variables filled in: literal text stands for itself, whatever characters it has. */
export interface PolicyText {
  readonly text: string
  readonly isLiteral: boolean
}

export type PatternPart =
  /** One character. */
  string | { readonly isMany: boolean; readonly crossesColons: boolean }

/** The value as it is compared where wildcards mean nothing. */
export function plainText(value: readonly PolicyText[]): string {
  return value.map(({ text }) => text).join('')
}

/** `*` for any characters and `?` for one. */
export function matchesText(value: readonly PolicyText[], text: string): boolean {
  return decidedByStart(value, text, true) ?? matches(toParts(value), text)
}

/**
 * As the Resource element compares: a wildcard stays within its component of the ARN, but a `*` that ends its component
 * reaches across colons. The resource itself, the sixth component, may hold colons, and its wildcards match them.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function matchesResource(value: readonly PolicyText[], arn: string): boolean {
  const decided = decidedByStart(value, arn, true)
  if (decided !== undefined) return decided
  const parts = toParts(value)
  let colons = 0
  const bound = parts.map((part, index) => {
    if (typeof part === 'string') {
      if (part === ':') colons += 1
      return part
    }
    const next = parts[index + 1]
    const endsComponent = part.isMany && (next === undefined || next === ':')
    return { isMany: part.isMany, crossesColons: endsComponent || colons >= arnComponents - 1 }
  })
  return matches(bound, arn)
}

/**
 * As ArnEquals and ArnLike compare, which are the same: component by component, so that no wildcard reaches across a
 * colon before the resource. A lone `*` matches every ARN.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function matchesArn(value: readonly PolicyText[], arn: string): boolean {
  const decided = decidedByStart(value, arn, false)
  if (decided === false) return false
  const components = splitArn(arn)
  if (components === undefined || decided === true) return components !== undefined
  const patterns = componentsOf(toParts(value))
  const [[first, ...further] = []] = patterns
  if (patterns.length === 1) return typeof first === 'object' && first.isMany && further.length === 0
  return (
    patterns.length === arnComponents &&
    components.every((component, index) => matches(patterns[index]!, component))
  )
}

const wildcard = /[*?]/

/**
 * What stands before the first wildcard, which decides nearly every comparison: false where the text begins otherwise; where
 * there is no wildcard, whether it is the text; true where a `*` takes whatever follows. Undefined where it takes more.
 */
function decidedByStart(
  value: readonly PolicyText[],
  text: string,
  lastManyTakesAll: boolean
): boolean | undefined {
  let start = ''
  for (const [index, part] of value.entries()) {
    const at = part.isLiteral ? -1 : part.text.search(wildcard)
    if (at >= 0) {
      if (!text.startsWith(start + part.text.slice(0, at))) return false
      const isLast = index === value.length - 1 && part.text.slice(at) === '*'
      return isLast && lastManyTakesAll ? true : undefined
    }
    start += part.text
  }
  return start === text
}

function componentsOf(parts: readonly PatternPart[]): readonly (readonly PatternPart[])[] {
  const components: PatternPart[][] = [[]]
  for (const part of parts) {
    if (part === ':' && components.length < arnComponents) components.push([])
    else components.at(-1)!.push(part)
  }
  return components
}

function toParts(value: readonly PolicyText[]): readonly PatternPart[] {
  return value.flatMap(({ text, isLiteral }) =>
    [...text].map(character =>
      isLiteral || (character !== '*' && character !== '?')
        ? character
        : { isMany: character === '*', crossesColons: true }
    )
  )
}

/** Goes through the text once with all positions of the pattern that are reached: no pattern makes it slow. */
function matches(pattern: readonly PatternPart[], text: string): boolean {
  const [only] = pattern
  if (pattern.length === 1 && typeof only === 'object' && only.isMany && only.crossesColons) return true
  let reached = new Uint8Array(pattern.length + 1)
  let next = new Uint8Array(pattern.length + 1)
  reached[0] = 1
  passEmptyMany(pattern, reached)
  for (const character of text) {
    next.fill(0)
    for (let index = 0; index < pattern.length; index += 1) {
      if (reached[index] === 0) continue
      const part = pattern[index]!
      if (typeof part === 'string') {
        if (part === character) next[index + 1] = 1
      } else if (part.crossesColons || character !== ':') {
        next[part.isMany ? index : index + 1] = 1
      }
    }
    passEmptyMany(pattern, next)
    ;[reached, next] = [next, reached]
  }
  return reached[pattern.length] === 1
}

/** A `*` may stand for nothing: whoever reaches it has passed it, too. */
function passEmptyMany(pattern: readonly PatternPart[], reached: Uint8Array): void {
  for (let index = 0; index < pattern.length; index += 1) {
    const part = pattern[index]!
    if (reached[index] === 1 && typeof part === 'object' && part.isMany) reached[index + 1] = 1
  }
}
