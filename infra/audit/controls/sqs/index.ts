import type { Control } from '../../control.ts'
import { sqs01 } from './sqs-01.ts'
import { sqs02 } from './sqs-02.ts'
import { sqs03 } from './sqs-03.ts'
import { sqs04 } from './sqs-04.ts'
import { sqs05 } from './sqs-05.ts'

export const sqsControls: readonly Control[] = [sqs01, sqs02, sqs03, sqs04, sqs05]
