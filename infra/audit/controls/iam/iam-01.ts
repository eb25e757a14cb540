import { arnComponents, splitArn } from '../../../evaluation/arn.ts'
import type { PolicyStatement } from '../../../policy-document.ts'
import type { Control } from '../../control.ts'
import { type Problem, wrong } from '../../judge.ts'
import { judgePrincipal, unreadable } from './principals.ts'

// Actions without a resource type, of https://docs.aws.amazon.com/service-authorization/latest/reference/: they read names
// and states, and there is nothing but * to give.
const withoutResource =
  /^(ec2:Describe\w+|kms:List(Keys|Aliases)|kinesis:(ListStreams|DescribeLimits)|firehose:ListDeliveryStreams|dynamodb:ListTables|sqs:ListQueues|s3:ListAllMyBuckets|sts:GetCallerIdentity|cloudwatch:(GetMetric\w+|ListMetrics)|xray:Put\w+|xray:GetSampling\w+|ecr:GetAuthorizationToken)$/i

// These change something, and take * all the same: bound by a condition.
const withCondition =
  /^(cloudwatch:PutMetricData|ec2:(Create|Delete)NetworkInterface(Permission)?|ec2:(Una|A)ssignPrivateIpAddresses)$/i

export const iam01: Control = {
  id: 'IAM-01',
  severity: 'high',
  title:
    'No role is allowed a wildcard of actions, or everything of a kind, where the action can name what it is done to.',
  rationale:
    'A wildcard allows what nobody has read: the actions that a service gets next year, and the resources of other ' +
    'pipelines in the account.',
  fix: 'List the actions, and name each resource by its ARN; bind what takes * alone by a condition, such as cloudwatch:namespace.',
  kind: 'resources',
  sources: {
    statements: [32, 34],
    securityHub: ['IAM.1', 'IAM.21'],
    cdkNag: ['IAM4', 'IAM5']
  },
  evaluate: model =>
    [...model.identityPolicies].map(([arn, policies]) =>
      judgePrincipal(
        model,
        arn,
        [
          ...policies.flatMap(({ name, document }) =>
            document.Statement.flatMap((statement, index) =>
              problemsOf(statement, `${statement.Sid ?? `statement ${index}`} of ${name}`)
            )
          ),
          ...unreadable(model, arn)
        ],
        'names its actions and resources'
      )
    )
}

function problemsOf(statement: PolicyStatement, where: string): readonly Problem[] {
  const { Effect, NotAction, NotResource, Condition } = statement
  if (Effect !== 'Allow') return []
  const actions = [statement.Action ?? []].flat()
  const wild = actions.find(action => /[*?]/.test(action))
  const isWide = [statement.Resource ?? []].flat().some(isEverything) || NotResource !== undefined
  const unbound = actions.find(
    action => !withoutResource.test(action) && !(Condition !== undefined && withCondition.test(action))
  )
  return [
    ...(NotAction === undefined ? [] : [wrong(`${where} allows all actions but some`)]),
    ...(wild === undefined ? [] : [wrong(`${where} allows ${wild}`)]),
    ...(isWide && wild === undefined && unbound !== undefined
      ? [wrong(`${where} allows ${unbound} on everything`)]
      : [])
  ]
}

/** All resources, or all of a service, or all of a kind that a pipeline has. */
function isEverything(resource: string): boolean {
  const named = splitArn(resource)?.[arnComponents - 1]
  // A pattern that ends before the resource takes whatever comes behind.
  if (named === undefined) return resource.endsWith('*')
  return /^(\*(\/\*)?|(stream|table|key|deliverystream|role|secret|function|log-group|parameter)[/:]\*(:\*)?)$/.test(
    named
  )
}
