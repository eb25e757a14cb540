import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.Scanner;

/**
 * The way of a record through a Flink application, without Flink: lines of a partition key, a sequence number and the
 * Base64 of what Kinesis holds, from standard input; one line with the Base64 of each opened user record to standard output.
 * <code>java OpenedRecords KEY_ARN PIPELINE STREAM</code>; where KMS is, the conventions of the SDK say.
 */
public final class OpenedRecords {
  private OpenedRecords() {}

  public static void main(String[] arguments) {
    SealedRecordOpener opener =
        new SealedRecordOpener(arguments[0], Map.of("pipeline", arguments[1], "stream", arguments[2]), 300);
    opener.start();
    Scanner lines = new Scanner(System.in, StandardCharsets.UTF_8);
    while (lines.hasNextLine()) {
      String[] parts = lines.nextLine().split(" ");
      ByteBuffer data = ByteBuffer.wrap(Base64.getDecoder().decode(parts[2]));
      for (byte[] sealed : Deaggregator.payloadsOf(data, parts[0], parts[1])) {
        System.out.println(Base64.getEncoder().encodeToString(opener.open(sealed)));
      }
    }
  }
}
