import { wireTypes } from '../wire-types.ts'

/** Members of all operations of SQS that are here. */
export const sqsTypes = wireTypes(
  {
    text: `DataType Id MessageBody MessageDeduplicationId MessageGroupId NextToken QueueName QueueNamePrefix
      QueueOwnerAWSAccountId QueueUrl ReceiptHandle ReceiveRequestAttemptId StringValue`,
    number: 'DelaySeconds MaxNumberOfMessages MaxResults VisibilityTimeout WaitTimeSeconds',
    blob: 'BinaryValue'
  },
  {
    AttributeNames: { list: 'text' },
    Attributes: { map: 'text' },
    BinaryListValues: { list: 'blob' },
    Entries: { list: 'structure' },
    MessageAttributeNames: { list: 'text' },
    MessageAttributes: { map: 'structure' },
    MessageSystemAttributeNames: { list: 'text' },
    MessageSystemAttributes: { map: 'structure' },
    StringListValues: { list: 'text' },
    tags: { map: 'text' }
  }
)
