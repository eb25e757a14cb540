package sealstream.judge;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.MoreExecutors;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.stream.Collectors;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.Attempt;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordFailedException;
import software.amazon.kinesis.producer.UserRecordResult;

/**
 * Puts user records by the Kinesis Producer Library, one order a line, its parts separated by tabs, the last two of a put in
 * base64. Answers come as they fall due, not in the order of the puts:
 *
 * <pre>
 *   put  id  explicit hash key  partition key  data  -> ok      id  attempts  codes  shard  sequence number
 *                                                    -> failed  id  attempts  codes
 *   end                                              -> the process ends when every put is answered
 * </pre>
 *
 * Codes are those of the attempts that failed, separated by commas.
 *
 * Properties: host, port, caFile, stream, temp (folder for its native process).
 */
public final class KplProducer {
  private static final Base64.Decoder DECODER = Base64.getDecoder();
  /** The library itself takes without bound. */
  private static final int MOST_OUTSTANDING = 5_000;

  public static void main(String[] arguments) {
    try {
      putAll();
      System.exit(0);
    } catch (Exception e) {
      // Threads of the library would keep this process alive.
      System.err.println(e.getClass().getSimpleName());
      halt();
    }
  }

  private static void putAll() throws Exception {
    String stream = System.getProperty("stream");
    var producer = new KinesisProducer(configuration());
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); !"end".equals(line); line = in.readLine()) {
      // Whoever started this process is gone.
      if (line == null) halt();
      String[] parts = line.split("\t", -1);
      while (producer.getOutstandingRecordsCount() >= MOST_OUTSTANDING) Thread.sleep(5);
      String key = new String(DECODER.decode(parts[3]), StandardCharsets.UTF_8);
      var put = producer.addUserRecord(stream, key, parts[2], ByteBuffer.wrap(DECODER.decode(parts[4])));
      Futures.addCallback(put, answerFor(parts[1]), MoreExecutors.directExecutor());
    }
    haltWhenInputEnds(in);
    producer.flushSync();
    producer.destroy();
  }

  private static KinesisProducerConfiguration configuration() {
    var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    return new KinesisProducerConfiguration()
        .setRegion("us-east-1")
        .setCredentialsProvider(credentials)
        .setKinesisEndpoint(System.getProperty("host"))
        .setKinesisPort(Long.getLong("port"))
        .setCaCertFile(System.getProperty("caFile"))
        .setMetricsLevel("none")
        .setLogLevel("error")
        .setTempDirectory(System.getProperty("temp"));
  }

  private static FutureCallback<UserRecordResult> answerFor(String id) {
    return new FutureCallback<>() {
      @Override
      public void onSuccess(UserRecordResult result) {
        System.out.println("ok\t" + id + "\t" + attemptsOf(result) + "\t" + result.getShardId() + "\t"
            + result.getSequenceNumber());
      }

      @Override
      public void onFailure(Throwable failure) {
        String attempts = failure instanceof UserRecordFailedException refused
            ? attemptsOf(refused.getResult())
            : "0\t" + failure.getClass().getSimpleName();
        System.out.println("failed\t" + id + "\t" + attempts);
      }
    };
  }

  private static String attemptsOf(UserRecordResult result) {
    return result.getAttempts().size() + "\t" + result.getAttempts().stream()
        .filter(attempt -> !attempt.isSuccessful())
        .map(Attempt::getErrorCode).collect(Collectors.joining(","));
  }

  private static void haltWhenInputEnds(BufferedReader in) {
    var watch = new Thread(() -> {
      try {
        while (in.read() >= 0) {
          // Nothing is written after the end.
        }
      } catch (IOException ignored) {
        // It is gone all the same.
      }
      halt();
    });
    watch.setDaemon(true);
    watch.start();
  }

  /** Together with the native process of the library. */
  private static void halt() {
    ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
    Runtime.getRuntime().halt(1);
  }
}
