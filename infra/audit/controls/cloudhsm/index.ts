import type { Control } from '../../control.ts'
import { hsm01 } from './hsm-01.ts'
import { hsm02 } from './hsm-02.ts'
import { hsm03 } from './hsm-03.ts'
import { hsm04 } from './hsm-04.ts'

export const cloudHsmControls: readonly Control[] = [hsm01, hsm02, hsm03, hsm04]
