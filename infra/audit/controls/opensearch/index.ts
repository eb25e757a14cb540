import type { Control } from '../../control.ts'
import { os01 } from './os-01.ts'
import { os02 } from './os-02.ts'
import { os03 } from './os-03.ts'
import { os04 } from './os-04.ts'
import { os05 } from './os-05.ts'

export const openSearchControls: readonly Control[] = [os01, os02, os03, os04, os05]
