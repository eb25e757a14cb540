import type { Control } from '../../control.ts'
import { net01 } from './net-01.ts'
import { net02 } from './net-02.ts'
import { net03 } from './net-03.ts'

export const networkControls: readonly Control[] = [net01, net02, net03]
