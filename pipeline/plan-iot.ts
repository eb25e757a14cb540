import { checkBoolean, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { section } from './plan-checks.ts'
import type { ServiceSurroundings } from './plan-services.ts'

/** Devices of IoT Core whose messages a rule puts into the stream, as they come: a device seals them by itself. */
export interface PlanIot {
  /** A device publishes to `<topic>/<thing name>`. Up to 6 levels, without wildcards. @default `<name>/records` */
  readonly topic?: string
  /** Group that the devices' policy is attached to. 1 to 128 letters, digits and `_:-`. @default `<name>-devices` */
  readonly thingGroup?: string
  /** Whether logging is set, which an account has once in each region: errors, under the state key. @default true */
  readonly logging?: boolean
  /** Whether the encryption of what IoT Core keeps is set, which an account has once in each region. @default true */
  readonly encryption?: boolean
}

export interface ResolvedIot extends Required<PlanIot> {}

const path = 'services.iot'

/** @throws InvalidOptionError */
export function resolveIot(value: PlanIot, { name }: ServiceSurroundings): ResolvedIot {
  const iot = section(path, value, ['topic', 'thingGroup', 'logging', 'encryption'])
  const topic = checkString(`${path}.topic`, iot.topic ?? `${name}/records`)
  // IoT Core takes seven slashes at most, and has topics of its own that begin with $.
  if (!/^[\w:-]+(\/[\w:-]+){0,5}$/.test(topic)) {
    throw new InvalidOptionError(
      `${path}.topic`,
      "expected 1 to 6 levels of letters, digits and '_:-', such as 'orders/records'"
    )
  }
  const thingGroup = checkString(`${path}.thingGroup`, iot.thingGroup ?? `${name}-devices`)
  if (!/^[\w:-]{1,128}$/.test(thingGroup)) {
    throw new InvalidOptionError(`${path}.thingGroup`, "expected 1 to 128 letters, digits and '_:-'")
  }
  return {
    topic,
    thingGroup,
    logging: checkBoolean(`${path}.logging`, iot.logging ?? true),
    encryption: checkBoolean(`${path}.encryption`, iot.encryption ?? true)
  }
}
