import type { Control } from '../../control.ts'
import { msf01 } from './msf-01.ts'
import { msf02 } from './msf-02.ts'
import { msf03 } from './msf-03.ts'

export const flinkControls: readonly Control[] = [msf01, msf02, msf03]
