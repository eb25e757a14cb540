import type { LocalServices } from '../start.ts'
import { type ContainerOptions, servicesAt, startContainer } from './container.ts'
import { type RemoteControl, remoteControl } from './remote-control.ts'

export interface LocalContainerOptions extends ContainerOptions {
  /** @default the variable `SEALSTREAM_LOCAL_IMAGE`, else `sealstream/local` */
  readonly image?: string
}

/** The engines in a container, with the switches that `startLocal` has. */
export interface LocalContainer extends LocalServices, RemoteControl {}

/**
 * The engines of `sealstream/local` in a container (`npm run image` builds it), for services that reach them from
 * containers of their own. In one process `startLocal()` is quicker and needs no container engine.
 * @throws EngineStartError which says what is missing
 */
export async function startLocalContainer(options: LocalContainerOptions = {}): Promise<LocalContainer> {
  const image = options.image ?? process.env.SEALSTREAM_LOCAL_IMAGE ?? 'sealstream/local'
  const { endpoint, stop } = await startContainer(image, options)
  return { ...servicesAt(endpoint, 'local', stop), ...remoteControl(endpoint) }
}
