import type { Control } from '../../control.ts'
import { glu01 } from './glu-01.ts'
import { glu02 } from './glu-02.ts'
import { glu03 } from './glu-03.ts'
import { glu04 } from './glu-04.ts'

export const glueControls: readonly Control[] = [glu01, glu02, glu03, glu04]
