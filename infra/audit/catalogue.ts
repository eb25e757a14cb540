import type { Control } from './control.ts'
import { endToEndControls } from './controls/end-to-end/index.ts'
import { iamControls } from './controls/iam/index.ts'
import { kmsControls } from './controls/kms/index.ts'
import { networkControls } from './controls/network/index.ts'

/** Every control, in the order in which reports have them. */
export const catalogue: readonly Control[] = [
  ...kmsControls,
  ...iamControls,
  ...networkControls,
  ...endToEndControls
]

/** Undefined for an id that no control has. Ids are not case-sensitive. */
export function findControl(id: string): Control | undefined {
  return catalogue.find(control => control.id === id.toUpperCase())
}
