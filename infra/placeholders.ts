/*
 * What has no value before a stack is there, as Fn::Sub writes it. Policies and resources hold such placeholders; a
 * template wraps them in Fn::Sub, whoever prints or evaluates puts values in their place.
 */

/** Attribute of a resource in the same template, such as `${StreamKey.Arn}`. */
export function attributeOf(logicalId: string, attribute: string): string {
  return `\${${logicalId}.${attribute}}`
}

/** What Ref gives of a resource in the same template: its name or id. */
export function refTo(logicalId: string): string {
  return `\${${logicalId}}`
}

export const partition = refTo('AWS::Partition')
export const region = refTo('AWS::Region')
export const accountId = refTo('AWS::AccountId')

/** An ARN in the account and region of the stack. */
export function arnOf(service: string, resource: string): string {
  return `arn:${partition}:${service}:${region}:${accountId}:${resource}`
}

const placeholder = /\$\{([A-Za-z0-9:.]+)\}/g

/** Names in the placeholders of a text, such as `AWS::Region` and `StreamKey.Arn`. */
export function placeholdersIn(text: string): readonly string[] {
  return [...text.matchAll(placeholder)].map(([, name]) => name!)
}

/** The same value with what `toValue` gives for each placeholder; one that it does not know stays. */
export function substitute<T>(value: T, toValue: (name: string) => string | undefined): T {
  return mapTexts(value, text =>
    text.replaceAll(placeholder, (whole, name: string) => toValue(name) ?? whole)
  ) as T
}

/** The same value as a template has it: Ref, Fn::GetAtt or Fn::Sub where there are placeholders. */
export function rendered(value: unknown): unknown {
  return mapTexts(value, text => {
    const names = placeholdersIn(text)
    // Without Fn::Sub nobody takes the exclamation mark out of what only looks like a placeholder.
    if (names.length === 0) return text.replaceAll('${!', '${')
    const [name] = names as [string]
    if (text !== `\${${name}}`) return { 'Fn::Sub': text }
    const [logicalId, ...attribute] = name.split('.')
    return attribute.length === 0 ? { Ref: name } : { 'Fn::GetAtt': [logicalId, attribute.join('.')] }
  })
}

function mapTexts(value: unknown, map: (text: string) => unknown): unknown {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map(each => mapTexts(each, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([name, each]) => [name, mapTexts(each, map)])
  )
}
