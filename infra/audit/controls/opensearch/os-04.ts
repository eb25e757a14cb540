import type { Control } from '../../control.ts'
import { deliveryStreamsOf, destinationsOf } from '../../delivery-streams.ts'
import { demand, judge, type Problem, toConfirm, unknown, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { ask, circumstancesOf, everyRight, stranger } from '../../questions.ts'
import { isTrue, resourceFor, valueAt } from '../../readers.ts'
import { domainsOf, domainTypes } from './domains.ts'

const actions = ['es:ESHttpGet', 'es:ESHttpPost', 'es:ESHttpPut', 'es:ESHttpDelete']

export const os04: Control = {
  id: 'OS-04',
  severity: 'high',
  title:
    'Search domains have fine-grained access control with a master in IAM, no access for everybody, and Firehose writes its index alone.',
  rationale:
    'Whoever may reach a domain without it may read and delete every index. Its roles are kept inside of the domain: that ' +
    'the role of Firehose is mapped to its own index, no template shows.',
  fix:
    'Set AdvancedSecurityOptions with Enabled and MasterUserOptions.MasterUserARN, name roles in AccessPolicies, map the ' +
    'delivery role to its index, and attest it.',
  kind: 'resources',
  sources: { securityHub: ['OpenSearch.7'], cdkNag: ['OS5'] },
  reads: ['es:DescribeDomain'],
  evaluate: model =>
    domainsOf(model).map(domain =>
      judge(
        domain,
        [
          ...optionProblems(model, domain),
          ...policyProblems(model, domain),
          ...deliveryProblems(model, domain)
        ],
        'roles are told apart inside, and nobody comes in whom its policy does not name'
      )
    )
}

function optionProblems(model: AuditModel, domain: AuditResource): readonly (Problem | undefined)[] {
  const { AdvancedSecurityOptions: options } = domain.properties
  const isOff = (value: unknown): boolean => value === undefined || value === false || value === 'false'
  return [
    demand(
      'AdvancedSecurityOptions.Enabled',
      valueAt(options, 'Enabled'),
      isTrue,
      'it has no fine-grained access control'
    ),
    demand(
      'InternalUserDatabaseEnabled',
      valueAt(options, 'InternalUserDatabaseEnabled'),
      isOff,
      'it has users and passwords of its own'
    ),
    demand(
      'AnonymousAuthEnabled',
      valueAt(options, 'AnonymousAuthEnabled'),
      isOff,
      'it lets in the anonymous'
    ),
    // A domain that is there does not tell its master.
    model.source === 'template'
      ? demand(
          'MasterUserARN',
          valueAt(options, 'MasterUserOptions', 'MasterUserARN'),
          value => typeof value === 'string',
          'its master is no principal of IAM'
        )
      : undefined
  ]
}

function policyProblems(model: AuditModel, { arn }: AuditResource): readonly Problem[] {
  if (model.unreadablePolicies?.has(arn)) return [unknown('its access policy cannot be told')]
  const policy = model.resourcePolicies.get(arn)
  if (policy === undefined) return []
  const answers = circumstancesOf(policy).flatMap(context =>
    actions.map(action =>
      ask(model, {
        principal: stranger(model),
        action,
        resource: `${arn}/any`,
        identity: [everyRight],
        resourcePolicy: policy,
        context
      })
    )
  )
  if (answers.includes('allow')) return [wrong('its access policy lets in everybody')]
  return answers.includes('unknown') ? [unknown('its access policy cannot be told')] : []
}

function deliveryProblems(model: AuditModel, domain: AuditResource): readonly Problem[] {
  const isFed = deliveryStreamsOf(model)
    .flatMap(destinationsOf)
    .some(({ configuration }) => resourceFor(model, configuration.DomainARN, ...domainTypes) === domain)
  return isFed
    ? [toConfirm('Firehose delivers to it: that its role is mapped to its index alone is to be attested')]
    : []
}
