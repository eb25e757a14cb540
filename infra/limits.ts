/** Days before a key is gone for good, the most that KMS takes: a deletion can be taken back until then. */
export const mostRecoveryDays = 30

/** Longest template that CloudFormation takes in a request; a larger one has to be in S3, up to 1 MB. */
export const mostInlineTemplateBytes = 51_200

/** Most that IAM takes of the policies inside of one role, in characters without white space. */
export const mostRolePolicyCharacters = 10_240
