import { InvalidOptionError } from '../../core/errors.ts'
import type { PolicyDocument } from '../policy-document.ts'
import type { PolicyText } from './pattern.ts'
import type { RequestContext } from './request-context.ts'

/*
 *   variable = "${" key [ "," "'" default "'" ] "}"  |  "${*}" | "${?}" | "${$}"
 *   key      = prefix ":" name, such as aws:PrincipalAccount
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
const variable = /\$\{([^}]*)\}/g
const keyWithDefault = /^\s*([\w.-]+:(?!:)[^,]+?)\s*(?:,\s*'([^']*)'\s*)?$/
const escaped = ['*', '?', '$']

/** Only policies of this version have variables; in older ones, and in those that tell none, they are plain text. */
export function hasVariables(document: Pick<PolicyDocument, 'Version'>): boolean {
  return document.Version === '2012-10-17'
}

/**
 * Throws for what looks like a variable and names no condition key.
 * @throws InvalidOptionError most often a placeholder of a template, such as `${EnvelopeKey.Arn}`, that nobody filled in
 */
export function checkVariables(path: string, value: string): void {
  for (const [whole, body = ''] of value.matchAll(variable)) {
    if (escaped.includes(body) || keyWithDefault.test(body)) continue
    throw new InvalidOptionError(path, `holds ${whole}, which is no policy variable`)
  }
}

/** The value with its variables filled in; undefined when the request lacks one, or has several values of it. */
export function fillIn(value: string, context: RequestContext): readonly PolicyText[] | undefined {
  if (!value.includes('${')) return [{ text: value, isLiteral: false }]
  const texts: PolicyText[] = []
  let end = 0
  for (const match of value.matchAll(variable)) {
    const filled = variableValue(match[1]!, context)
    if (filled === undefined) return undefined
    texts.push({ text: value.slice(end, match.index), isLiteral: false }, { text: filled, isLiteral: true })
    end = match.index + match[0].length
  }
  return [...texts, { text: value.slice(end), isLiteral: false }]
}

function variableValue(body: string, context: RequestContext): string | undefined {
  if (escaped.includes(body)) return body
  const [, key = '', otherwise] = keyWithDefault.exec(body) ?? []
  const values = context.values(key)
  return values === undefined ? otherwise : values.length === 1 ? values[0] : undefined
}
