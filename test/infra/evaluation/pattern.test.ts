import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  matchesArn,
  matchesResource,
  matchesText,
  type PolicyText
} from '../../../infra/evaluation/pattern.ts'

const alphabet = (characters: string) => fc.string({ unit: fc.constantFrom(...characters), maxLength: 6 })
const values: fc.Arbitrary<PolicyText[]> = fc.array(
  fc.record({ text: alphabet('ab*?:'), isLiteral: fc.boolean() }),
  { minLength: 1, maxLength: 3 }
)

/** With `any` for a character that a wildcard takes. */
function expression(value: readonly PolicyText[], any: string): string {
  const quoted = (text: string) => text.replaceAll(/[*?]/g, '\\$&')
  return value
    .map(({ text, isLiteral }) =>
      isLiteral ? quoted(text) : text.replaceAll('?', any).replaceAll('*', `${any}*`)
    )
    .join('')
}

describe('patterns of policies', () => {
  it('match texts as regular expressions do', () => {
    fc.assert(
      fc.property(values, alphabet('ab*?:'), (value, text) => {
        expect(matchesText(value, text)).toBe(new RegExp(`^${expression(value, '.')}$`).test(text))
      })
    )
  })

  it('match the resource of an ARN in the same way, wherever its wildcards are', () => {
    const start = 'arn:aws:s3:::'
    fc.assert(
      fc.property(values, alphabet('ab*?:'), (value, text) => {
        const pattern = [{ text: start, isLiteral: false }, ...value]
        const isMatch = new RegExp(`^${expression(value, '.')}$`).test(text)
        expect(matchesResource(pattern, start + text)).toBe(isMatch)
        expect(matchesArn(pattern, start + text)).toBe(isMatch)
      })
    )
  })

  it('keep a wildcard of a condition within its component, and let one of a resource that ends it go on', () => {
    const pattern = [{ text: 'arn:aws:s3*:::bucket', isLiteral: false }]
    expect(matchesArn(pattern, 'arn:aws:s3:::bucket')).toBe(true)
    expect(matchesArn(pattern, 'arn:aws:s3:eu::bucket')).toBe(false)
    const open = [{ text: 'arn:aws:*', isLiteral: false }]
    expect(matchesArn(open, 'arn:aws:s3:::bucket')).toBe(false)
    expect(matchesResource(open, 'arn:aws:s3:::bucket')).toBe(true)
  })
})
