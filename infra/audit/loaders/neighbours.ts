import type { AuditResource } from '../model.ts'
import type { TemplateScope } from '../template/resource-names.ts'
import type { AccountReader, AccountService } from './account/account-reader.ts'
import {
  readCrawler,
  readDataCatalog,
  readGlueConnection,
  readGlueJob,
  readSecurityConfiguration
} from './account/data-catalog.ts'
import { readDatabaseCluster, readDatabaseInstance } from './account/databases.ts'
import { readDeviceSettings, readThing, readThingPolicy, readTopicRule } from './account/devices.ts'
import { readFlinkApplication } from './account/flink-applications.ts'
import { readHsmCluster } from './account/hsm-clusters.ts'
import { readRedshiftCluster } from './account/redshift-clusters.ts'
import { readSearchDomain } from './account/search-domains.ts'

/** What stands beside a pipeline and is its business all the same, by name. Each list is empty by default. */
export interface NeighbourNames {
  /** Ids of clusters of CloudHSM. */
  readonly hsmClusters?: readonly string[]
  readonly flinkApplications?: readonly string[]
  /** Things, policies and rules of IoT Core. With any of them the settings of the account are read, too. */
  readonly things?: readonly string[]
  readonly thingPolicies?: readonly string[]
  readonly topicRules?: readonly string[]
  /** Of RDS and Aurora; the instances of a cluster are found by themselves. */
  readonly databaseInstances?: readonly string[]
  readonly databaseClusters?: readonly string[]
  readonly redshiftClusters?: readonly string[]
  /** Domains of OpenSearch or Elasticsearch. */
  readonly searchDomains?: readonly string[]
  /** Of Glue. With any of them the settings and the policy of the account's catalog are read, too. */
  readonly glueDatabases?: readonly string[]
  readonly glueConnections?: readonly string[]
  readonly glueSecurityConfigurations?: readonly string[]
  readonly glueJobs?: readonly string[]
  readonly glueCrawlers?: readonly string[]
}

const services = {
  hsmClusters: 'cloudhsm',
  flinkApplications: 'kinesisanalytics',
  things: 'iot',
  thingPolicies: 'iot',
  topicRules: 'iot',
  databaseInstances: 'rds',
  databaseClusters: 'rds',
  redshiftClusters: 'redshift',
  searchDomains: 'es',
  glueDatabases: 'glue',
  glueConnections: 'glue',
  glueSecurityConfigurations: 'glue',
  glueJobs: 'glue',
  glueCrawlers: 'glue'
} as const satisfies Record<keyof NeighbourNames, AccountService>

/** The services that have to be asked for these names: of the others no client is needed. */
export function servicesOfNeighbours(names: NeighbourNames): readonly AccountService[] {
  const needed = (Object.keys(services) as (keyof NeighbourNames)[])
    .filter(name => (names[name]?.length ?? 0) > 0)
    .map(name => services[name])
  return [...new Set(needed)]
}

/** Each neighbour, with what it names: parameter groups, security groups, log groups. */
export async function readNeighbours(
  reader: AccountReader,
  scope: TemplateScope,
  names: NeighbourNames
): Promise<readonly AuditResource[]> {
  const found: AuditResource[] = []
  const readAll = async (
    list: readonly string[] = [],
    read: (name: string) => Promise<readonly AuditResource[]>
  ): Promise<void> => {
    for (const name of list) found.push(...(await read(name)))
  }
  await readAll(names.hsmClusters, name => readHsmCluster(reader, scope, name))
  await readAll(names.flinkApplications, name => readFlinkApplication(reader, name))
  await readAll(names.things, name => readThing(reader, name))
  await readAll(names.thingPolicies, name => readThingPolicy(reader, name))
  await readAll(names.topicRules, name => readTopicRule(reader, name))
  await readAll(names.databaseInstances, name => readDatabaseInstance(reader, scope, name))
  await readAll(names.databaseClusters, name => readDatabaseCluster(reader, scope, name))
  await readAll(names.redshiftClusters, name => readRedshiftCluster(reader, scope, name))
  await readAll(names.searchDomains, name => readSearchDomain(reader, scope, name))
  await readAll(names.glueConnections, name => readGlueConnection(reader, scope, name))
  await readAll(names.glueSecurityConfigurations, name => readSecurityConfiguration(reader, scope, name))
  await readAll(names.glueJobs, name => readGlueJob(reader, scope, name))
  await readAll(names.glueCrawlers, name => readCrawler(reader, scope, name))
  const needed = servicesOfNeighbours(names)
  if (needed.includes('iot')) found.push(...(await readDeviceSettings(reader, scope)))
  if (needed.includes('glue')) found.push(...(await readDataCatalog(reader, scope)))
  return found
}
