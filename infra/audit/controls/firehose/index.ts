import type { Control } from '../../control.ts'
import { fh01 } from './fh-01.ts'
import { fh02 } from './fh-02.ts'
import { fh03 } from './fh-03.ts'
import { fh04 } from './fh-04.ts'
import { fh05 } from './fh-05.ts'
import { fh06 } from './fh-06.ts'
import { fh07 } from './fh-07.ts'
import { fh08 } from './fh-08.ts'
import { fh09 } from './fh-09.ts'
import { fh10 } from './fh-10.ts'
import { fh11 } from './fh-11.ts'
import { fh12 } from './fh-12.ts'

export const firehoseControls: readonly Control[] = [
  fh01,
  fh02,
  fh03,
  fh04,
  fh05,
  fh06,
  fh07,
  fh08,
  fh09,
  fh10,
  fh11,
  fh12
]
