import type { Control } from '../../control.ts'
import { lam01 } from './lam-01.ts'
import { lam02 } from './lam-02.ts'
import { lam03 } from './lam-03.ts'
import { lam04 } from './lam-04.ts'
import { lam05 } from './lam-05.ts'

export const lambdaControls: readonly Control[] = [lam01, lam02, lam03, lam04, lam05]
