import type { Control } from './control.ts'

/** Every control, in the order in which reports have them. Each service appends its own list. */
export const catalogue: readonly Control[] = []

/** Undefined for an id that no control has. Ids are not case-sensitive. */
export function findControl(id: string): Control | undefined {
  return catalogue.find(control => control.id === id.toUpperCase())
}
