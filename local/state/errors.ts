import { ErrorCode, SealstreamError } from '../../core/errors.ts'

/** A state folder, or a file in it, that cannot be used. The message says what to do. */
export class StateError extends SealstreamError {
  /** The file or folder that it is about. */
  readonly path: string

  private constructor(code: ErrorCode, path: string, message: string) {
    super(code, message)
    this.path = path
  }

  /** A living process has the folder. */
  static inUse(folder: string, lockFile: string, pid: number): StateError {
    return new StateError(
      ErrorCode.stateInUse,
      folder,
      `state folder ${folder} is in use by process ${pid}: end it, name another folder, or delete ${lockFile} when that process is none of ours`
    )
  }

  /** A file does not hold what was written to it. */
  static damaged(file: string, what: string): StateError {
    return new StateError(
      ErrorCode.stateDamaged,
      file,
      `state file ${file} is damaged (${what}): restore it from a copy, or start over with an empty state folder`
    )
  }

  /** The folder was written by another version of the package, or by something else. */
  static unknownFormat(file: string, expected: string): StateError {
    return new StateError(
      ErrorCode.stateFormat,
      file,
      `${file} does not say ${expected}: use the version of sealstream that wrote the folder, or name an empty one`
    )
  }
}
