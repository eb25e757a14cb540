import type { Control } from '../../control.ts'
import { iam01 } from './iam-01.ts'
import { iam02 } from './iam-02.ts'
import { iam03 } from './iam-03.ts'
import { iam04 } from './iam-04.ts'

export const iamControls: readonly Control[] = [iam01, iam02, iam03, iam04]
