import { AwsError } from '../../aws-json.ts'
import type { Input } from '../dynalite.ts'

/** An index that is to come, or the name of one that is to go. */
export type IndexChange =
  | { readonly kind: 'create'; readonly index: Input }
  | { readonly kind: 'delete'; readonly indexName: string }

/**
 * The index that an UpdateTable adds or removes; undefined when it does neither.
 * @throws AwsError LimitExceededException for more than one
 */
export function indexChangeOf({ GlobalSecondaryIndexUpdates: updates }: Input): IndexChange | undefined {
  const changes = (Array.isArray(updates) ? (updates as readonly Input[]) : []).flatMap(
    ({ Create: create, Delete: gone }): IndexChange[] => {
      if (create !== undefined) return [{ kind: 'create', index: create as Input }]
      if (gone !== undefined) return [{ kind: 'delete', indexName: String((gone as Input).IndexName) }]
      return []
    }
  )
  if (changes.length <= 1) return changes[0]
  throw new AwsError(
    'LimitExceededException',
    'Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table'
  )
}

/**
 * Attribute definitions of a table and of its new index together.
 * @throws AwsError ValidationException when they contradict each other
 */
export function mergedDefinitions(current: readonly Input[], added: unknown): readonly Input[] {
  const merged = new Map(current.map(definition => [definition.AttributeName, definition]))
  for (const definition of Array.isArray(added) ? (added as readonly Input[]) : []) {
    const known = merged.get(definition.AttributeName)
    if (known !== undefined && known.AttributeType !== definition.AttributeType) {
      throw new AwsError(
        'ValidationException',
        `One or more parameter values were invalid: attribute ${String(definition.AttributeName)} is of type ${String(known.AttributeType)}`
      )
    }
    merged.set(definition.AttributeName, definition)
  }
  return [...merged.values()]
}
