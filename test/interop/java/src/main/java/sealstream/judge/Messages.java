package sealstream.judge;

import com.amazonaws.encryptionsdk.AwsCrypto;
import com.amazonaws.encryptionsdk.CommitmentPolicy;
import com.amazonaws.encryptionsdk.CryptoAlgorithm;
import com.amazonaws.encryptionsdk.kmssdkv2.KmsMasterKeyProvider;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import software.amazon.awssdk.services.kms.KmsClient;

/**
 * Seals and opens messages by the original of the AWS Encryption SDK, one order a line, its parts separated by tabs and in
 * base64 but for the first two:
 *
 * <pre>
 *   open  -      message             -> ok  plaintext  name=value lines
 *   seal  suite  plaintext  context  -> ok  message
 *                                    -> error  class of the exception
 * </pre>
 *
 * Properties: kmsEndpoint, keys (ARNs, separated by commas).
 */
public final class Messages {
  private static final Base64.Encoder ENCODER = Base64.getEncoder();
  private static final Base64.Decoder DECODER = Base64.getDecoder();

  public static void main(String[] arguments) throws Exception {
    List<String> keys = List.of(System.getProperty("keys").split(","));
    KmsClient kms = Opener.kms();
    var provider = KmsMasterKeyProvider.builder().customRegionalClientSupplier(region -> kms).buildStrict(keys);
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] parts = line.split("\t", -1);
      System.out.println(parts[0].equals("open") ? open(provider, parts) : seal(provider, parts));
    }
    System.exit(0);
  }

  private static String open(KmsMasterKeyProvider provider, String[] parts) {
    try {
      var crypto = AwsCrypto.builder().withCommitmentPolicy(CommitmentPolicy.RequireEncryptRequireDecrypt).build();
      var result = crypto.decryptData(provider, DECODER.decode(parts[2]));
      String context = result.getEncryptionContext().entrySet().stream()
          .map(pair -> pair.getKey() + "=" + pair.getValue()).collect(Collectors.joining("\n"));
      return "ok\t" + ENCODER.encodeToString(result.getResult()) + "\t"
          + ENCODER.encodeToString(context.getBytes(StandardCharsets.UTF_8));
    } catch (Exception e) {
      return "error\t" + e.getClass().getSimpleName();
    }
  }

  private static String seal(KmsMasterKeyProvider provider, String[] parts) {
    try {
      var crypto = AwsCrypto.builder().withCommitmentPolicy(CommitmentPolicy.RequireEncryptRequireDecrypt)
          .withEncryptionAlgorithm(parts[1].equals("0578")
              ? CryptoAlgorithm.ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384
              : CryptoAlgorithm.ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY)
          .build();
      Map<String, String> context = new LinkedHashMap<>();
      for (String pair : new String(DECODER.decode(parts[3]), StandardCharsets.UTF_8).split("\n")) {
        int equals = pair.indexOf('=');
        context.put(pair.substring(0, equals), pair.substring(equals + 1));
      }
      return "ok\t" + ENCODER.encodeToString(
          crypto.encryptData(provider, DECODER.decode(parts[2]), context).getResult());
    } catch (Exception e) {
      return "error\t" + e.getClass().getSimpleName();
    }
  }
}
