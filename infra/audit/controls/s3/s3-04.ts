import { dataBucketsOf } from '../../buckets.ts'
import type { Control } from '../../control.ts'
import { writersTo } from '../../delivery-streams.ts'
import { hasNetwork } from '../../endpoints.ts'
import { judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { anybody, ask, circumstancesOf, everyRight, principalOf } from '../../questions.ts'
import { resourceFor } from '../../readers.ts'

export const s304: Control = {
  id: 'S3-04',
  severity: 'medium',
  title: 'A bucket is read and written through the VPC endpoint alone, but for the roles of Firehose.',
  rationale:
    'Credentials that were carried off work from anywhere, and what they read leaves by the internet. Firehose does not ' +
    'come through your endpoint: a deny without an exception ends delivery.',
  fix: 'Deny object actions with StringNotEqualsIfExists aws:SourceVpce, but for the ARNs of the delivery roles.',
  kind: 'resources',
  sources: { statements: [35, 42] },
  evaluate: model =>
    dataBucketsOf(model)
      .filter(() => hasNetwork(model))
      .map(bucket =>
        judge(
          bucket,
          [...outsideProblems(model, bucket), ...deliveryProblems(model, bucket)],
          'closed outside of the endpoint, and open to delivery'
        )
      )
}

function outsideProblems(model: AuditModel, { arn }: AuditResource): readonly Problem[] {
  const policy = model.resourcePolicies.get(arn)
  return ['s3:GetObject', 's3:PutObject'].flatMap(action => {
    const request = {
      principal: anybody(model),
      action,
      resource: `${arn}/any/object`,
      identity: [everyRight]
    }
    const outside = ask(model, request)
    if (outside === 'allow') return [wrong(`${action} is not denied outside of a VPC endpoint`)]
    const inside = circumstancesOf(policy).map(context => ask(model, { ...request, context }))
    if (outside === 'unknown') return [unknown('its policy cannot be told')]
    return inside.includes('allow') ? [] : [wrong(`${action} is denied through an endpoint, too`)]
  })
}

function deliveryProblems(model: AuditModel, bucket: AuditResource): readonly Problem[] {
  return writersTo(model, bucket).flatMap(({ stream, objects }) => {
    const role = resourceFor(model, objects.configuration.RoleARN, 'AWS::IAM::Role')
    if (role === undefined) return [unknown(`the role of ${stream.id} is not here`)]
    const answer = ask(model, {
      principal: principalOf(role.arn),
      action: 's3:PutObject',
      resource: `${bucket.arn}/${String(objects.configuration.Prefix ?? '')}object`,
      identity: [everyRight]
    })
    return answer === 'deny' ? [wrong(`it keeps out ${role.id}, with which ${stream.id} delivers`)] : []
  })
}
