import type { Control } from '../../control.ts'
import { e2e01 } from './e2e-01.ts'
import { e2e02 } from './e2e-02.ts'
import { e2e03 } from './e2e-03.ts'
import { e2e04 } from './e2e-04.ts'
import { e2e05 } from './e2e-05.ts'
import { e2e06 } from './e2e-06.ts'

export const endToEndControls: readonly Control[] = [e2e01, e2e02, e2e03, e2e04, e2e05, e2e06]
