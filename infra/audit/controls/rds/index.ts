import type { Control } from '../../control.ts'
import { rds01 } from './rds-01.ts'
import { rds02 } from './rds-02.ts'
import { rds03 } from './rds-03.ts'
import { rds04 } from './rds-04.ts'

export const rdsControls: readonly Control[] = [rds01, rds02, rds03, rds04]
