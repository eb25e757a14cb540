/** A request as the AWS SDK takes it: `kms` and `CreateKey` are `CreateKeyCommand` of `@aws-sdk/client-kms`. */
export type StepCall =
  | Call<'ec2', 'DescribeSubnets', { readonly SubnetIds: string[] }>
  | Call<'cloudhsm-v2', 'CreateHsm', { readonly ClusterId: string; readonly AvailabilityZone: string }>
  | Call<'cloudhsm-v2', 'DescribeClusters', { readonly Filters: { readonly clusterIds: string[] } }>
  | Call<
      'cloudhsm-v2',
      'InitializeCluster',
      { readonly ClusterId: string; readonly SignedCert: string; readonly TrustAnchor: string }
    >
  | Call<
      'kms',
      'CreateCustomKeyStore',
      {
        readonly CustomKeyStoreName: string
        readonly CustomKeyStoreType: 'AWS_CLOUDHSM'
        readonly CloudHsmClusterId: string
        readonly TrustAnchorCertificate: string
        readonly KeyStorePassword: string
      }
    >
  | Call<'kms', 'ConnectCustomKeyStore' | 'DescribeCustomKeyStores', { readonly CustomKeyStoreId: string }>
  | Call<
      'kms',
      'CreateKey',
      {
        readonly Description: string
        readonly CustomKeyStoreId: string
        readonly Origin: 'AWS_CLOUDHSM'
        readonly KeySpec: 'SYMMETRIC_DEFAULT'
        readonly KeyUsage: 'ENCRYPT_DECRYPT'
        readonly Policy: string
      }
    >
  | Call<'kms', 'DescribeKey' | 'ListAliases', { readonly KeyId: string }>
  | Call<
      'kms',
      'PutKeyPolicy',
      { readonly KeyId: string; readonly PolicyName: 'default'; readonly Policy: string }
    >
  | Call<'kms', 'GetKeyPolicy', { readonly KeyId: string; readonly PolicyName: 'default' }>
  | Call<'kms', 'CreateAlias', { readonly AliasName: string; readonly TargetKeyId: string }>
  | Call<'iot', 'AttachPolicy', { readonly policyName: string; readonly target: string }>
  | Call<'iot', 'ListTargetsForPolicy', { readonly policyName: string }>
  | Call<'iot', 'CreateThing' | 'DescribeThing', { readonly thingName: string }>
  | Call<
      'iot',
      'CreateCertificateFromCsr',
      { readonly certificateSigningRequest: string; readonly setAsActive: true }
    >
  | Call<'iot', 'DescribeCertificate', { readonly certificateId: string }>
  | Call<
      'iot',
      'AttachThingPrincipal',
      {
        readonly thingName: string
        readonly principal: string
        readonly thingPrincipalType: 'EXCLUSIVE_THING'
      }
    >
  | Call<'iot', 'ListPrincipalThings', { readonly principal: string }>
  | Call<'iot', 'AddThingToThingGroup', { readonly thingName: string; readonly thingGroupName: string }>
  | Call<'iot', 'ListThingGroupsForThing', { readonly thingName: string }>
  | Call<
      'glue',
      'PutResourcePolicy',
      { readonly PolicyInJson: string; readonly PolicyExistsCondition: 'NOT_EXIST' }
    >
  | Call<'glue', 'GetResourcePolicy', Readonly<Record<never, never>>>

interface Call<Service extends string, Operation extends string, Input> {
  /** As the clients of the SDK are called. */
  readonly service: Service
  readonly operation: Operation
  readonly input: Input
}
