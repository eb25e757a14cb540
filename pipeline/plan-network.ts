import { checkBoolean, checkKnownOptions, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'

export const endpointNames = [
  'kinesis-streams',
  'kinesis-firehose',
  'kms',
  'sqs',
  'monitoring',
  's3',
  'dynamodb',
  'logs',
  'sts',
  'secretsmanager',
  'glue'
] as const

/** A service that can be reached without leaving the VPC. `s3` and `dynamodb` are gateway endpoints. */
export type PlanEndpoint = (typeof endpointNames)[number]

export interface PlanNetwork {
  /** `vpc-…` of the workload. */
  readonly vpcId: string
  /** Of the interface endpoints, in at least two Availability Zones. */
  readonly subnetIds: readonly string[]
  /** Of the workload: who may reach the interface endpoints, on port 443. */
  readonly securityGroupIds: readonly string[]
  /** Of the workload's subnets, for the gateway endpoints. */
  readonly routeTableIds: readonly string[]
  /** @default those that producers and workers call: kinesis-streams, kinesis-firehose, kms, sqs, monitoring, s3, dynamodb */
  readonly endpoints?: readonly PlanEndpoint[]
  /** Whether the roles of producer, worker and replayer work through these endpoints alone. @default false */
  readonly pinToEndpoint?: boolean
}

export interface ResolvedNetwork extends Required<PlanNetwork> {}

const byDefault = endpointNames.slice(0, 7)
/** Those without network interfaces, which a route table leads to. */
export const gatewayEndpoints: readonly PlanEndpoint[] = ['s3', 'dynamodb']

/** @throws InvalidOptionError */
export function resolveNetwork(value: unknown): ResolvedNetwork {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError('network', 'expected an object with vpcId, subnetIds, …')
  }
  const network: Readonly<Partial<Record<string, unknown>>> = { ...value }
  checkKnownOptions('network', network, [
    'vpcId',
    'subnetIds',
    'securityGroupIds',
    'routeTableIds',
    'endpoints',
    'pinToEndpoint'
  ])
  if (network.vpcId === undefined) {
    throw new InvalidOptionError('network.vpcId', 'is missing: endpoints and their pins need a VPC')
  }
  const endpoints = checkEndpoints(network.endpoints ?? byDefault)
  const needsInterfaces = endpoints.some(name => !gatewayEndpoints.includes(name))
  const needsGateways = endpoints.some(name => gatewayEndpoints.includes(name))
  const subnetIds = checkIds('network.subnetIds', network.subnetIds ?? [], 'subnet')
  if (needsInterfaces && subnetIds.length < 2) {
    throw new InvalidOptionError('network.subnetIds', 'expected two at least, in two Availability Zones')
  }
  const securityGroupIds = checkIds('network.securityGroupIds', network.securityGroupIds ?? [], 'sg')
  if (needsInterfaces && securityGroupIds.length === 0) {
    throw new InvalidOptionError('network.securityGroupIds', 'expected those of the workload, one at least')
  }
  const routeTableIds = checkIds('network.routeTableIds', network.routeTableIds ?? [], 'rtb')
  if (needsGateways && routeTableIds.length === 0) {
    throw new InvalidOptionError(
      'network.routeTableIds',
      'expected one at least: s3 and dynamodb are gateways'
    )
  }
  const pinToEndpoint = checkBoolean('network.pinToEndpoint', network.pinToEndpoint ?? false)
  const missing = byDefault.find(name => !endpoints.includes(name))
  if (pinToEndpoint && missing !== undefined) {
    throw new InvalidOptionError('network.pinToEndpoint', `needs the endpoint '${missing}', too`)
  }
  return {
    vpcId: checkId('network.vpcId', network.vpcId, 'vpc'),
    subnetIds,
    securityGroupIds,
    routeTableIds,
    endpoints,
    pinToEndpoint
  }
}

function checkEndpoints(value: unknown): readonly PlanEndpoint[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidOptionError('network.endpoints', `expected a list of ${endpointNames.join(', ')}`)
  }
  const endpoints = value.map((name: unknown, index) =>
    checkOneOf(`network.endpoints[${index}]`, name, endpointNames)
  )
  return endpointNames.filter(name => endpoints.includes(name))
}

export function checkIds(option: string, value: unknown, prefix: string): readonly string[] {
  if (!Array.isArray(value)) throw new InvalidOptionError(option, `expected a list of ${prefix}-…`)
  const ids = value.map((id: unknown, index) => checkId(`${option}[${index}]`, id, prefix))
  if (new Set(ids).size < ids.length) throw new InvalidOptionError(option, 'names one of them twice')
  return ids
}

export function checkId(option: string, value: unknown, prefix: string): string {
  const id = checkString(option, value)
  if (new RegExp(`^${prefix}-[0-9a-f]+$`).test(id)) return id
  throw new InvalidOptionError(option, `expected '${prefix}-' and hexadecimal digits`)
}
