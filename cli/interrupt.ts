import { ExitCode } from './exit-code.ts'

/** Ctrl-C, or being told to end, as a signal; the second time ends the process at once. */
export interface Interrupt {
  readonly signal: AbortSignal
  /** Gives the process its usual ways back. */
  end(): void
}

/** `onFirst` is told before the signal aborts. */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  const controller = new AbortController()
  const onInterrupt = (): void => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted)
    onFirst()
    controller.abort(new Error('interrupted'))
  }
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onInterrupt)
  return {
    signal: controller.signal,
    end() {
      process.off('SIGINT', onInterrupt)
      process.off('SIGTERM', onInterrupt)
    }
  }
}
