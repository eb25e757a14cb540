import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../core/errors.ts'
import { audit } from '../../../infra/audit/audit.ts'
import { catalogue } from '../../../infra/audit/catalogue.ts'
import { loadTemplate } from '../../../infra/audit/loaders/template.ts'
import { planTemplate } from '../../../infra/planner.ts'
import { neighboursTemplate } from '../neighbours.ts'
import { plans } from '../plans.ts'

const ids = fc.constantFrom('A', 'B', 'C', 'Gone')

/** Values as templates have them: functions with right and with wrong arguments. */
const value = fc.letrec(tie => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('x', 'A', '', 0, 1, true, null, '*', 'arn:aws:kms:us-east-1:123456789012:key/A'),
    fc.record({ Ref: ids }),
    fc.record({
      'Fn::GetAtt': fc.oneof(fc.tuple(ids, fc.constant('Arn')), fc.constant('B.Arn'), tie('any'))
    }),
    fc.record({ 'Fn::Sub': fc.constantFrom('${A}', '${A.Arn}-${!x}', '${Gone}', 'plain', '${') }),
    fc.record({
      'Fn::Join': fc.oneof(fc.tuple(fc.constant('-'), fc.array(tie('any'), { maxLength: 3 })), tie('any'))
    }),
    fc.record({ 'Fn::If': fc.tuple(fc.constantFrom('Yes', 'Unknown'), tie('any'), tie('any')) }),
    fc.record({ 'Fn::Select': fc.tuple(fc.nat(2), tie('any')) }),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom('Statement', 'Effect', 'Principal', 'Name', 'Action', '__proto__'),
      tie('any'),
      {
        maxKeys: 3
      }
    )
  )
})).any

const conditions = {
  Yes: { 'Fn::Equals': ['a', 'a'] },
  Unknown: { 'Fn::Equals': [{ Ref: 'Gone' }, ''] }
}

describe('any template', () => {
  it('is read, or refused with a path', () => {
    const type = fc.constantFrom(
      'AWS::KMS::Key',
      'AWS::IAM::Role',
      'AWS::S3::BucketPolicy',
      'AWS::Lambda::Permission'
    )
    const name = fc.constantFrom(
      'KeyPolicy',
      'Policies',
      'RoleName',
      'PolicyDocument',
      'Bucket',
      'FunctionName'
    )
    const resource = fc.record({ Type: type, Properties: fc.dictionary(name, value, { maxKeys: 4 }) })
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('A', 'B', 'C'), resource), Resources => {
        try {
          loadTemplate({ Resources, Conditions: conditions })
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidOptionError)
          expect((error as InvalidOptionError).option).toMatch(/^template\./)
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it.each([
    ['a pipeline', planTemplate(plans.everything), 20],
    ['the services beside it', neighboursTemplate, 100]
  ])('is decided, or said to be undecided, when any property of %s is something else', (_, made, numRuns) => {
    const template = JSON.parse(JSON.stringify(made)) as {
      Resources: Record<string, { Properties?: Record<string, unknown> }>
    }
    const places = Object.entries(template.Resources).flatMap(([id, { Properties = {} }]) =>
      Object.keys(Properties).map(member => [id, member] as const)
    )
    fc.assert(
      fc.property(fc.constantFrom(...places), value, ([id, member], other) => {
        const resource = template.Resources[id]!
        const altered = {
          ...template,
          Conditions: conditions,
          Resources: {
            ...template.Resources,
            [id]: { ...resource, Properties: { ...resource.Properties, [member]: other } }
          }
        }
        let model: ReturnType<typeof loadTemplate>
        try {
          model = loadTemplate(altered)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidOptionError)
          return
        }
        const evidence = audit(model, catalogue).results.flatMap(({ findings }) =>
          findings.map(each => each.evidence)
        )
        // Our own errors are no mistakes of controls; any other is.
        expect(evidence.filter(each => /^could not be decided: [A-Z]\w+$/.test(each))).toEqual([])
      }),
      { numRuns }
    )
  })
})
