package sealstream.judge;

import com.amazonaws.encryptionsdk.AwsCrypto;
import com.amazonaws.encryptionsdk.CommitmentPolicy;
import com.amazonaws.encryptionsdk.CryptoMaterialsManager;
import com.amazonaws.encryptionsdk.caching.CachingCryptoMaterialsManager;
import com.amazonaws.encryptionsdk.caching.LocalCryptoMaterialsCache;
import com.amazonaws.encryptionsdk.kmssdkv2.KmsMasterKeyProvider;
import java.net.URI;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kms.KmsClient;

/** Opens messages of the AWS Encryption SDK by the original, with a cache of data keys as a careful user has one. */
interface Opener {
  byte[] open(byte[] bytes);

  /** By the properties kms and kmsEndpoint; without them bytes stay as they are. */
  static Opener fromProperties() {
    String key = System.getProperty("kms");
    if (key == null) return bytes -> bytes;
    var crypto = AwsCrypto.builder().withCommitmentPolicy(CommitmentPolicy.RequireEncryptRequireDecrypt).build();
    KmsClient kms = kms();
    var keys = KmsMasterKeyProvider.builder().customRegionalClientSupplier(region -> kms).buildStrict(key);
    CryptoMaterialsManager cached = CachingCryptoMaterialsManager.newBuilder().withMasterKeyProvider(keys)
        .withCache(new LocalCryptoMaterialsCache(1_000)).withMaxAge(5, TimeUnit.MINUTES).build();
    return bytes -> {
      var result = crypto.decryptData(cached, bytes);
      if (!System.getProperty("pipeline", "").equals(result.getEncryptionContext().get("pipeline"))) {
        throw new IllegalStateException("the message is of another pipeline");
      }
      return result.getResult();
    };
  }

  /** A client of the engine at the property kmsEndpoint. */
  static KmsClient kms() {
    return KmsClient.builder().endpointOverride(URI.create(System.getProperty("kmsEndpoint")))
        .region(Region.US_EAST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
        .httpClient(UrlConnectionHttpClient.create()).build();
  }
}
