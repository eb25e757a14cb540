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
  return isPlain(value) ? plainText(value) === text : matches(toParts(value), text)
}

/**
 * As the Resource element compares: a wildcard stays within its component of the ARN, but a `*` that ends its component
 * reaches across colons. The resource itself, the sixth component, may hold colons, and its wildcards match them.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function matchesResource(value: readonly PolicyText[], arn: string): boolean {
  if (isPlain(value)) return plainText(value) === arn
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
  const components = splitArn(arn)
  if (components === undefined) return false
  const patterns = componentsOf(toParts(value))
  const [[first, ...further] = []] = patterns
  if (patterns.length === 1) return typeof first === 'object' && first.isMany && further.length === 0
  return (
    patterns.length === arnComponents &&
    components.every((component, index) => matches(patterns[index]!, component))
  )
}

function componentsOf(parts: readonly PatternPart[]): readonly (readonly PatternPart[])[] {
  const components: PatternPart[][] = [[]]
  for (const part of parts) {
    if (part === ':' && components.length < arnComponents) components.push([])
    else components.at(-1)!.push(part)
  }
  return components
}

/** Most values have no wildcard, and are told apart at once. */
function isPlain(value: readonly PolicyText[]): boolean {
  return value.every(({ text, isLiteral }) => isLiteral || !/[*?]/.test(text))
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
  let reached = withEmptyMany(pattern, [true])
  for (const character of text) {
    const next: boolean[] = []
    for (const [index, part] of pattern.entries()) {
      if (reached[index] !== true) continue
      if (typeof part === 'string') {
        if (part === character) next[index + 1] = true
      } else if (part.crossesColons || character !== ':') {
        next[part.isMany ? index : index + 1] = true
      }
    }
    if (next.length === 0) return false
    reached = withEmptyMany(pattern, next)
  }
  return reached[pattern.length] === true
}

/** A `*` may stand for nothing: whoever reaches it has passed it, too. */
function withEmptyMany(pattern: readonly PatternPart[], reached: boolean[]): boolean[] {
  for (const [index, part] of pattern.entries()) {
    if (reached[index] === true && typeof part === 'object' && part.isMany) reached[index + 1] = true
  }
  return reached
}
