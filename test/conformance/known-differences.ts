import type { ConformanceEngine } from './engines.ts'

/** What an engine is known to do otherwise than AWS. */
export interface KnownDifference {
  /** Whether it behaves otherwise, or says that it does not have the operation. */
  readonly kind: 'differs' | 'not there'
  readonly why: string
}

type Differences = Readonly<Record<string, KnownDifference>>

const differs = (why: string): KnownDifference => ({ kind: 'differs', why })
const notThere = (why: string): KnownDifference => ({ kind: 'not there', why })

/** By engine and id of the case. Each is asserted: one that is gone fails the suite, and has to go here as well. */
export const knownDifferences: Readonly<Record<ConformanceEngine, Differences>> = {
  embedded: {
    'dynamodb.transaction': notThere('dynalite has no transactions')
  },
  'kinesis-local': {},
  localstack: {},
  aws: {}
}
