import type { Control } from '../../control.ts'
import { ddb01 } from './ddb-01.ts'
import { ddb02 } from './ddb-02.ts'
import { ddb03 } from './ddb-03.ts'
import { ddb04 } from './ddb-04.ts'
import { ddb05 } from './ddb-05.ts'
import { ddb06 } from './ddb-06.ts'

export const dynamodbControls: readonly Control[] = [ddb01, ddb02, ddb03, ddb04, ddb05, ddb06]
