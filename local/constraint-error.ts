import { AwsError } from './aws-json.ts'

/** A member that breaks a rule of the service's model. `rule` begins with "Member must". */
export function constraintError(member: string, rule: string): AwsError {
  return validationError(`Value at '${member}'`, rule)
}

/** A member that has to be there, as the services answer that name the value. */
export function missingMemberError(member: string): AwsError {
  return validationError(`Value null at '${member}'`, 'Member must not be null')
}

function validationError(what: string, rule: string): AwsError {
  return new AwsError(
    'ValidationException',
    `1 validation error detected: ${what} failed to satisfy constraint: ${rule}`
  )
}
