import type { PlanScope } from '../infra/index.ts'
import type { PipelinePlan } from '../pipeline/index.ts'
import { readConfigFile } from './config-file.ts'
import { UsageError } from './exit-code.ts'

/** Options of the commands that print what is made of a plan. */
export const planOptions = {
  config: { type: 'string' },
  account: { type: 'string' },
  region: { type: 'string' },
  partition: { type: 'string' },
  help: { type: 'boolean', default: false }
} as const

interface PlanValues {
  readonly config?: string | undefined
  readonly account?: string | undefined
  readonly region?: string | undefined
  readonly partition?: string | undefined
}

/** The plan of `--config`, or that of the flights that come with the package. */
export async function planOf({ config }: PlanValues): Promise<PipelinePlan> {
  return config === undefined ? { name: 'flights' } : await readConfigFile(config)
}

/** What is told of where a stack is going to be. @throws UsageError */
export function scopeOf({ account, region, partition }: PlanValues): PlanScope {
  if (account !== undefined && !/^\d{12}$/.test(account)) {
    throw new UsageError('--account: expected 12 digits')
  }
  if (region !== undefined && !/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
    throw new UsageError('--region: expected the name of a region, such as eu-west-1')
  }
  if (partition !== undefined && !/^aws(-[a-z]+)*$/.test(partition)) {
    throw new UsageError('--partition: expected the name of a partition, such as aws')
  }
  return {
    ...(account === undefined ? {} : { accountId: account }),
    ...(region === undefined ? {} : { region }),
    ...(partition === undefined ? {} : { partition })
  }
}
