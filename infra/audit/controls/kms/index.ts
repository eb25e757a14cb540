import type { Control } from '../../control.ts'
import { kms01 } from './kms-01.ts'
import { kms02 } from './kms-02.ts'
import { kms03 } from './kms-03.ts'
import { kms04 } from './kms-04.ts'
import { kms05 } from './kms-05.ts'
import { kms06 } from './kms-06.ts'
import { kms07 } from './kms-07.ts'
import { kms08 } from './kms-08.ts'
import { kms09 } from './kms-09.ts'
import { kms10 } from './kms-10.ts'

export const kmsControls: readonly Control[] = [
  kms01,
  kms02,
  kms03,
  kms04,
  kms05,
  kms06,
  kms07,
  kms08,
  kms09,
  kms10
]
