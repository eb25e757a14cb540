import type { Control } from '../../control.ts'
import { rs01 } from './rs-01.ts'
import { rs02 } from './rs-02.ts'
import { rs03 } from './rs-03.ts'
import { rs04 } from './rs-04.ts'

export const redshiftControls: readonly Control[] = [rs01, rs02, rs03, rs04]
