import type { Action } from '../aws-json.ts'

/**
 * Actions after each of which `save` is called, also when it failed, before its answer goes out: what the caller is
 * told has been written. An action that answers at once is saved at once, so that no other one comes in between.
 */
export function savingActions<Actions extends Readonly<Record<string, Action>>>(
  actions: Actions,
  save: (operation: string) => void
): Readonly<Record<keyof Actions, Action>> {
  const entries = Object.entries(actions).map(([operation, action]): [string, Action] => [
    operation,
    (input, context) => {
      let isLater = false
      try {
        const output = action(input, context)
        isLater = output instanceof Promise
        return output instanceof Promise ? output.finally(() => save(operation)) : output
      } finally {
        if (!isLater) save(operation)
      }
    }
  ])
  return Object.fromEntries(entries) as Record<keyof Actions, Action>
}
