import type { Control } from '../../control.ts'
import { log01 } from './log-01.ts'
import { log02 } from './log-02.ts'

export const logControls: readonly Control[] = [log01, log02]
