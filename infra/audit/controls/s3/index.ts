import type { Control } from '../../control.ts'
import { s301 } from './s3-01.ts'
import { s302 } from './s3-02.ts'
import { s303 } from './s3-03.ts'
import { s304 } from './s3-04.ts'
import { s305 } from './s3-05.ts'
import { s306 } from './s3-06.ts'
import { s307 } from './s3-07.ts'
import { s308 } from './s3-08.ts'
import { s309 } from './s3-09.ts'
import { s310 } from './s3-10.ts'

export const s3Controls: readonly Control[] = [s301, s302, s303, s304, s305, s306, s307, s308, s309, s310]
