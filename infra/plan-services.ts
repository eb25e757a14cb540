import type { ResolvedRedshiftDestination, ResolvedSearchDestination } from '../pipeline/destinations.ts'
import type {
  ResolvedFunction,
  ResolvedOpenSearch,
  ResolvedPlan,
  ResolvedRedshift
} from '../pipeline/plan.ts'
import { arnOf, attributeOf } from './placeholders.ts'
import { applicationLogGroup, domainArn, iotLogGroup } from './plan-arns.ts'

/** Whether a service beside the pipeline keeps something at rest that is none of the records. */
export function hasServicesKey({ services }: ResolvedPlan): boolean {
  const { glue, flink, iot } = services
  return glue !== undefined || flink !== undefined || iot?.encryption === true
}

/** Name of the security configuration of Glue. */
export const securityConfiguration = ({ name }: ResolvedPlan): string => name

export const hasVariables = ({ variables }: ResolvedFunction): boolean => Object.keys(variables).length > 0

/** Name of the stream that Flink writes to, where that is its output. */
export function outputStream({ services }: ResolvedPlan): string | undefined {
  const output = services.flink?.output
  return output?.kind === 'stream' ? output.name : undefined
}

/** Queue of the messages of devices that did not get into the stream. */
export const iotErrorQueue = ({ name }: ResolvedPlan): string => `${name}-iot-errors`

/** A rule's name takes letters, digits and underscores. */
export const iotRuleName = ({ name }: ResolvedPlan): string => name.replaceAll('-', '_')

export const iotRuleArn = (plan: ResolvedPlan): string => arnOf('iot', `rule/${iotRuleName(plan)}`)

export const iotPolicyName = ({ name }: ResolvedPlan): string => `${name}-devices`

/** Log groups of the services, with their logical ids. */
export function serviceLogGroups({
  services
}: ResolvedPlan): readonly { readonly logicalId: string; readonly name: string }[] {
  const { flink, iot, redshift, openSearch } = services
  return [
    ...(flink === undefined ? [] : [{ logicalId: 'FlinkLogs', name: applicationLogGroup(flink.name) }]),
    ...(iot?.logging ? [{ logicalId: 'IotLogs', name: iotLogGroup }] : []),
    ...(redshift === undefined ? [] : redshiftLogs(redshift)),
    ...(openSearch === undefined ? [] : openSearchLogs(openSearch))
  ]
}

export const redshiftClusterId = 'RedshiftCluster'

/** Groups that Redshift itself writes to, named after the cluster. */
export function redshiftLogs({ name }: ResolvedRedshift): readonly { logicalId: string; name: string }[] {
  return (['Connection', 'User', 'UserActivity'] as const).map(kind => ({
    logicalId: `Redshift${kind}Logs`,
    name: `/aws/redshift/cluster/${name}/${kind.toLowerCase()}log`
  }))
}

/** Name of the secret that Redshift makes for the administrator of a cluster. */
export const redshiftMasterSecret = ({ name, masterUsername }: ResolvedRedshift): string =>
  `redshift!${name}-${masterUsername}`

/** By the type of log that the domain is told. */
export function openSearchLogs({
  name
}: ResolvedOpenSearch): readonly { logicalId: string; name: string; type: string }[] {
  const kinds = {
    AUDIT_LOGS: 'Audit',
    ES_APPLICATION_LOGS: 'Application',
    INDEX_SLOW_LOGS: 'IndexSlow',
    SEARCH_SLOW_LOGS: 'SearchSlow'
  } as const
  return Object.entries(kinds).map(([type, kind]) => ({
    type,
    logicalId: `OpenSearch${kind}Logs`,
    name: `/aws/opensearch/domains/${name}/${kind.toLowerCase()}`
  }))
}

/** Of the domain that a destination names, or of the one that is made for it. */
export function domainArnOf({ services }: ResolvedPlan, destination: ResolvedSearchDestination): string {
  return destination.domainArn === 'made' ? domainArn(services.openSearch!.name) : destination.domainArn!
}

/** Address of the cluster that a destination names, or of the one that is made for it. */
export function jdbcUrlOf({ services }: ResolvedPlan, { jdbcUrl }: ResolvedRedshiftDestination): string {
  if (jdbcUrl !== 'made') return jdbcUrl
  const at = (part: string): string => attributeOf(redshiftClusterId, `Endpoint.${part}`)
  return `jdbc:redshift://${at('Address')}:${at('Port')}/${services.redshift!.database}`
}

export const cloudHsmClusterId = 'CloudHsmCluster'

/** Output of the stack: the id that the service gives the cluster. */
export const cloudHsmOutput = 'CloudHsmClusterId'
