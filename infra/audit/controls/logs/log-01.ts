import type { Control } from '../../control.ts'
import { demand, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { demandCustomerKey, keyFor } from '../../keys.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, foreignAccount, service } from '../../questions.ts'
import { numberOf, resourcesOf } from '../../readers.ts'
import { urlSuffixOf } from '../../template/resource-names.ts'

const actions = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:GenerateDataKey']

export const log01: Control = {
  id: 'LOG-01',
  severity: 'medium',
  title:
    'Log groups have a customer-managed key and an end, and the policy of the key lets in the logs of those groups alone.',
  rationale:
    'Logs are kept for ever unless somebody says otherwise. A key without a statement for the service of logs lets the ' +
    'template be made and the deployment fail; one that is too wide lets groups of others be encrypted with it.',
  fix:
    'Set KmsKeyId and RetentionInDays, and let logs.<region>.amazonaws.com use the key with kms:EncryptionContext:aws:logs:arn ' +
    'of the groups.',
  kind: 'resources',
  sources: {
    statements: [64, 72],
    securityHub: ['CloudWatch.16'],
    prowler: ['cloudwatch_log_group_kms_encryption_enabled'],
    checkov: ['CKV_AWS_158']
  },
  evaluate: model =>
    resourcesOf(model, 'AWS::Logs::LogGroup').map(group => {
      const { KmsKeyId: key, RetentionInDays: days } = group.properties
      const keyProblem = demandCustomerKey(model, 'KmsKeyId', key)
      return judge(
        group,
        [
          keyProblem,
          demand(
            'RetentionInDays',
            days,
            value => numberOf(value) !== undefined,
            'it keeps its events for ever'
          ),
          ...(keyProblem === undefined ? keyPolicyProblems(model, group, key) : [])
        ],
        'it has a key that lets it in, and an end'
      )
    })
}

function keyPolicyProblems(model: AuditModel, group: AuditResource, reference: unknown): readonly Problem[] {
  const key = keyFor(model, reference)
  if (key === undefined) return [unknown('the policy of its key is not here')]
  const arn = group.arn.replace(/:\*$/, '')
  const foreign = `arn:${model.partition}:logs:${model.region}:${foreignAccount(model)}:log-group:stranger`
  const answers = (groupArn: string) =>
    actions.map(action =>
      ask(model, {
        principal: service(`logs.${model.region}.${urlSuffixOf(model)}`),
        action,
        resource: key.arn,
        context: { 'kms:EncryptionContext:aws:logs:arn': groupArn }
      })
    )
  const [own, others] = [answers(arn), answers(foreign)]
  if ([...own, ...others].includes('unknown')) return [unknown(`the policy of ${key.id} cannot be told`)]
  const problems: Problem[] = []
  if (own.includes('deny'))
    problems.push(wrong(`the policy of ${key.id} does not let in the logs of this group`))
  if (others.includes('allow'))
    problems.push(wrong(`the policy of ${key.id} lets in the logs of any account`))
  return problems
}
