import type { Control } from '../../control.ts'
import { kds01 } from './kds-01.ts'
import { kds02 } from './kds-02.ts'
import { kds03 } from './kds-03.ts'
import { kds04 } from './kds-04.ts'
import { kds05 } from './kds-05.ts'
import { kds06 } from './kds-06.ts'
import { kds07 } from './kds-07.ts'
import { kds08 } from './kds-08.ts'

export const kinesisControls: readonly Control[] = [kds01, kds02, kds03, kds04, kds05, kds06, kds07, kds08]
