import com.amazonaws.encryptionsdk.AwsCrypto;
import com.amazonaws.encryptionsdk.CommitmentPolicy;
import com.amazonaws.encryptionsdk.CryptoMaterialsManager;
import com.amazonaws.encryptionsdk.CryptoResult;
import com.amazonaws.encryptionsdk.caching.CachingCryptoMaterialsManager;
import com.amazonaws.encryptionsdk.caching.LocalCryptoMaterialsCache;
import com.amazonaws.encryptionsdk.kmssdkv2.KmsMasterKeyProvider;
import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Opens one user record that a producer sealed in mode <code>record</code>: a message of the AWS Encryption SDK, in and out
 * as bytes. Flink sends the settings to its task managers; what opens is made there, by {@link #start}.
 */
public final class SealedRecordOpener implements Serializable {
  private static final long serialVersionUID = 1L;
  /** Data keys of so many writers are kept. */
  private static final int OPEN_KEYS = 1_000;

  private final String keyArn;
  private final HashMap<String, String> required;
  private final int maxAgeSeconds;
  private transient AwsCrypto crypto;
  private transient CryptoMaterialsManager materials;

  /**
   * @param keyArn of the envelope key, by its ARN: messages under any other are refused
   * @param required pairs of the encryption context that a message must have, <code>pipeline</code> and
   *     <code>stream</code> among them
   * @param maxAgeSeconds how long a data key is kept: as long as a revocation takes
   */
  public SealedRecordOpener(String keyArn, Map<String, String> required, int maxAgeSeconds) {
    this.keyArn = keyArn;
    this.required = new HashMap<>(required);
    this.maxAgeSeconds = maxAgeSeconds;
  }

  /** Once in each task, before the first record. */
  public void start() {
    crypto = AwsCrypto.builder()
        .withCommitmentPolicy(CommitmentPolicy.RequireEncryptRequireDecrypt)
        .withMaxEncryptedDataKeys(5)
        .build();
    materials = CachingCryptoMaterialsManager.newBuilder()
        .withMasterKeyProvider(KmsMasterKeyProvider.builder().buildStrict(keyArn))
        .withCache(new LocalCryptoMaterialsCache(OPEN_KEYS))
        .withMaxAge(maxAgeSeconds, TimeUnit.SECONDS)
        .build();
  }

  /**
   * The payload. Everything is verified before any of it is returned.
   *
   * @throws IllegalArgumentException when the message is of another pipeline or stream; it names the pair, not its value
   */
  public byte[] open(byte[] sealed) {
    CryptoResult<byte[], ?> result = crypto.decryptData(materials, sealed);
    Map<String, String> found = result.getEncryptionContext();
    for (Map.Entry<String, String> pair : required.entrySet()) {
      if (!pair.getValue().equals(found.get(pair.getKey()))) {
        throw new IllegalArgumentException("the pair " + pair.getKey() + " differs or is missing");
      }
    }
    return result.getResult();
  }
}
