import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/**
 * Takes a Kinesis record apart into its user records, by the code of the KCL. Needed with <code>KinesisStreamsSource</code>,
 * which hands on what the stream holds; the older <code>FlinkKinesisConsumer</code> has done it already.
 */
public final class Deaggregator {
  private Deaggregator() {}

  /** Payloads of the user records, in their order; the one payload of a record that is no aggregate. */
  public static List<byte[]> payloadsOf(ByteBuffer data, String partitionKey, String sequenceNumber) {
    KinesisClientRecord record = KinesisClientRecord.builder()
        .data(data)
        .partitionKey(partitionKey)
        .sequenceNumber(sequenceNumber)
        .build();
    List<byte[]> payloads = new ArrayList<>();
    for (KinesisClientRecord user : new AggregatorUtil().deaggregate(Collections.singletonList(record))) {
      byte[] payload = new byte[user.data().remaining()];
      user.data().get(payload);
      payloads.add(payload);
    }
    return payloads;
  }
}
