import type { Control } from '../../control.ts'
import { judge, type Problem, toConfirm, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isObject, listAt, resourceFor, resourcesOf, valueAt } from '../../readers.ts'

// What IoT Core fills in by who is connected, rather than by what the device says of itself:
// https://docs.aws.amazon.com/iot/latest/developerguide/iot-policy-variables.html
const ownName = /\$\{(iot:Connection\.Thing\.|iot:Certificate\.|cognito-identity\.amazonaws\.com:sub)/

export const iot02: Control = {
  id: 'IOT-02',
  severity: 'high',
  title:
    'The policy of devices lets each connect under its own name and use its own topics, and is attached to a group.',
  rationale:
    'With a wildcard every device can pass itself off as another, put records in its name, and read what is sent to it. ' +
    'A policy of a group is altered, or taken away, in one place.',
  fix:
    'Write ${iot:Connection.Thing.ThingName} into client, topic and topicfilter, with no wildcard before it, list the actions, and ' +
    'attach the policy to a thing group.',
  kind: 'resources',
  sources: { statements: [30, 31] },
  reads: ['iot:GetPolicy'],
  evaluate: model =>
    resourcesOf(model, 'AWS::IoT::Policy').map(policy =>
      judge(
        policy,
        [...documentProblems(policy), ...targetProblems(model, policy)],
        'each device acts under its own name, and a group has the policy'
      )
    )
}

function documentProblems({ properties: { PolicyDocument: policy } }: AuditResource): readonly Problem[] {
  const statements = listAt(parsed(policy), 'Statement')
  if (statements === unknownValue) return [unknown('its document cannot be told')]
  return statements.flatMap(statement => {
    const effect = valueAt(statement, 'Effect')
    if (effect === unknownValue) return [unknown('a statement of it cannot be told')]
    return effect === 'Allow' ? statementProblems(statement) : []
  })
}

function statementProblems(statement: unknown): readonly Problem[] {
  const actions = listAt(statement, 'Action')
  const resources = listAt(statement, 'Resource')
  if (['NotAction', 'NotResource'].some(name => valueAt(statement, name) !== undefined)) {
    return [wrong('it allows everything but some')]
  }
  if (actions === unknownValue || resources === unknownValue)
    return [unknown('a statement of it cannot be told')]
  const wild = actions.find(action => typeof action === 'string' && /[*?]/.test(action))
  return [
    ...(wild === undefined ? [] : [wrong(`it allows ${String(wild)}`)]),
    ...resources.flatMap(resource => resourceProblems(actions, resource))
  ]
}

function resourceProblems(actions: readonly unknown[], resource: unknown): readonly Problem[] {
  if (typeof resource !== 'string') return [unknown('a resource of it cannot be told')]
  const name = resource.split(':').slice(5).join(':')
  const at = resource.search(ownName)
  const before = at < 0 ? resource : resource.slice(0, at)
  // In a filter of topics MQTT has wildcards of its own.
  const wildcards = name.startsWith('topicfilter/') ? /[*?+#]/ : /[*?]/
  if (wildcards.test(before))
    return [wrong(`it allows ${resource}: a wildcard that no name of the device bounds`)]
  const connects = actions.some(action => String(action).toLowerCase() === 'iot:connect')
  return connects && name.startsWith('client/') && at < 0
    ? [wrong(`it lets any device connect as ${name.slice('client/'.length)}`)]
    : []
}

function targetProblems(model: AuditModel, policy: AuditResource): readonly Problem[] {
  const targets = resourcesOf(model, 'AWS::IoT::PolicyPrincipalAttachment')
    .filter(({ properties }) => resourceFor(model, properties.PolicyName, 'AWS::IoT::Policy') === policy)
    .map(({ properties }) => properties.Principal)
  if (targets.some(isGroup)) return []
  if (targets.includes(unknownValue)) return [unknown('to whom it is attached cannot be told')]
  return [
    toConfirm(
      targets.length === 0
        ? 'it is attached to nothing here: see that a thing group has it'
        : 'it is attached to devices one by one: say why no thing group has it'
    )
  ]
}

function isGroup(target: unknown): boolean {
  return typeof target === 'string' && /^arn:[^:]+:iot:[^:]*:[^:]*:thinggroup\//.test(target)
}

function parsed(policy: unknown): unknown {
  if (isObject(policy)) return policy
  try {
    return typeof policy === 'string' ? JSON.parse(policy) : unknownValue
  } catch {
    return unknownValue
  }
}
