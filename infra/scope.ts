import { checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { substitute } from './placeholders.ts'

/** Where a stack is, as far as it is known. What is left out stays a placeholder. */
export interface PlanScope {
  /** Twelve digits. */
  readonly accountId?: string
  /** Such as `eu-west-1`. */
  readonly region?: string
  /** @default that of the region, where it is given */
  readonly partition?: string
}

/** The same value with what is known of the scope in place of its placeholders. @throws InvalidOptionError */
export function inScope<T>(value: T, scope: PlanScope): T {
  const { accountId, region } = scope
  if (accountId !== undefined && !/^\d{12}$/.test(accountId)) {
    throw new InvalidOptionError('accountId', 'expected twelve digits')
  }
  if (region !== undefined && !/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
    throw new InvalidOptionError('region', 'expected the name of a region, such as eu-west-1')
  }
  const partition =
    scope.partition === undefined ? region && partitionOf(region) : checkString('partition', scope.partition)
  const values: Readonly<Record<string, string | undefined>> = {
    'AWS::AccountId': accountId,
    'AWS::Region': region,
    'AWS::Partition': partition
  }
  return substitute(value, name => values[name])
}

export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}
