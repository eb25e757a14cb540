import type { Control } from '../../control.ts'
import { iot01 } from './iot-01.ts'
import { iot02 } from './iot-02.ts'
import { iot03 } from './iot-03.ts'
import { iot04 } from './iot-04.ts'
import { iot05 } from './iot-05.ts'

export const iotControls: readonly Control[] = [iot01, iot02, iot03, iot04, iot05]
