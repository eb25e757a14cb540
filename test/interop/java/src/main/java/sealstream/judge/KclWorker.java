package sealstream.judge;

import java.io.FileOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.CoordinatorConfig;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.RecordProcessorCheckpointer;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * A worker of the Kinesis Client Library in a process of its own. It keeps the same log as the workers of the fleet test
 * (test/fleet/worker.js), line by line, each written before the next step.
 *
 * Properties: kinesisEndpoint, dynamodbEndpoint, kmsEndpoint, application, stream, worker, log, failoverMs,
 * idleMs, kms (ARN of the key; none for plain records), pipeline, clientVersion (of version 3, while it migrates from 2).
 */
public final class KclWorker {
  private static final int CHECKPOINT_EVERY = 17;
  private static final long WORK_MS = 15;

  public static void main(String[] arguments) throws Exception {
    var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    var kinesis = KinesisAsyncClient.builder().endpointOverride(address("kinesisEndpoint")).region(Region.US_EAST_1)
        .credentialsProvider(credentials).build();
    var dynamo = DynamoDbAsyncClient.builder().endpointOverride(address("dynamodbEndpoint")).region(Region.US_EAST_1)
        .credentialsProvider(credentials).build();
    // Its metrics are switched off: it is never called.
    var cloudWatch = CloudWatchAsyncClient.builder().region(Region.US_EAST_1)
        .credentialsProvider(credentials).build();
    String stream = property("stream");
    Log log = new Log(property("log"));
    Opener opener = Opener.fromProperties();

    var configs = new ConfigsBuilder(stream, property("application"), kinesis, dynamo, cloudWatch,
        property("worker"), () -> new Processor(log, opener));
    var retrieval = configs.retrievalConfig().retrievalSpecificConfig(
        new PollingConfig(stream, kinesis).idleTimeBetweenReadsInMillis(Long.getLong("idleMs", 250)));
    retrieval.initialPositionInStreamExtended(
        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
    var coordinator = configs.coordinatorConfig();
    setClientVersion(coordinator, System.getProperty("clientVersion"));
    var scheduler = new Scheduler(
        configs.checkpointConfig(),
        coordinator.parentShardPollIntervalMillis(1_000).shardConsumerDispatchPollIntervalMillis(200),
        configs.leaseManagementConfig().failoverTimeMillis(Long.getLong("failoverMs", 4_000))
            .shardSyncIntervalMillis(2_000).leasesRecoveryAuditorExecutionFrequencyMillis(5_000),
        configs.lifecycleConfig(),
        configs.metricsConfig().metricsFactory(new NullMetricsFactory()),
        configs.processorConfig(),
        retrieval);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        scheduler.startGracefulShutdown().get(15, TimeUnit.SECONDS);
      } catch (Exception ignored) {
        // It is about to end in any case.
      }
    }));
    endWithParent();
    scheduler.run();
  }

  /** The setting is there from version 3 on, and this class is built with version 2 as well. */
  private static void setClientVersion(CoordinatorConfig coordinator, String name) throws ReflectiveOperationException {
    if (name == null) return;
    Class<?> versions = Class.forName(CoordinatorConfig.class.getName() + "$ClientVersionConfig");
    coordinator.getClass().getMethod("clientVersionConfig", versions)
        .invoke(coordinator, versions.getField("CLIENT_VERSION_CONFIG_" + name).get(null));
  }

  /** Standard input ends when whoever started this process is gone. */
  private static void endWithParent() {
    var watch = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {
          // Nothing is ever written to it.
        }
      } catch (IOException ignored) {
        // It is gone all the same.
      }
      Runtime.getRuntime().halt(1);
    });
    watch.setDaemon(true);
    watch.start();
  }

  private static URI address(String name) {
    return URI.create(property(name));
  }

  private static String property(String name) {
    String value = System.getProperty(name);
    if (value == null) throw new IllegalArgumentException("-D" + name + " is missing");
    return value;
  }

  /** Lines of JSON, each on the disk before the next step. */
  private static final class Log {
    private final FileOutputStream file;

    Log(String path) throws IOException {
      file = new FileOutputStream(path, true);
    }

    synchronized void note(String type, String shardId, String members) {
      String line = "{\"at\":" + System.currentTimeMillis() + ",\"type\":\"" + type + "\",\"shardId\":\"" + shardId + "\""
          + members + "}\n";
      try {
        file.write(line.getBytes(StandardCharsets.UTF_8));
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static final class Processor implements ShardRecordProcessor {
    private final Log log;
    private final Opener opener;
    private String shardId = "";
    /** The lease is lost. The KCL may hand over another batch before it notices, past the rest of the last one. */
    private boolean isStopped;

    Processor(Log log, Opener opener) {
      this.log = log;
      this.opener = opener;
    }

    @Override
    public void initialize(InitializationInput input) {
      shardId = input.shardId();
      var position = input.extendedSequenceNumber();
      log.note("initialize", shardId, ",\"sequenceNumber\":\"" + position.sequenceNumber()
          + "\",\"subSequenceNumber\":" + position.subSequenceNumber());
    }

    @Override
    public void processRecords(ProcessRecordsInput input) {
      List<KinesisClientRecord> records = input.records();
      if (isStopped) return;
      try {
        for (int from = 0; from < records.size(); from += CHECKPOINT_EVERY) {
          var part = records.subList(from, Math.min(records.size(), from + CHECKPOINT_EVERY));
          log.note("process", shardId, ",\"records\":["
              + part.stream().map(this::described).collect(Collectors.joining(",")) + "]");
          if (from > 0 && records.get(from - 1).sequenceNumber().equals(part.get(0).sequenceNumber())) {
            System.out.println("inside");
          }
          Thread.sleep(WORK_MS);
          var last = part.get(part.size() - 1);
          input.checkpointer().checkpoint(last.sequenceNumber(), last.subSequenceNumber());
        }
      } catch (Exception e) {
        // The KCL would pass over the rest of the batch: what was not checkpointed has to come again elsewhere.
        isStopped = true;
        log.note("stopped", shardId, ",\"reason\":\"" + e.getClass().getSimpleName() + "\"");
        if (!e.getClass().getSimpleName().equals("ShutdownException")) Runtime.getRuntime().halt(3);
      }
    }

    private String described(KinesisClientRecord record) {
      ByteBuffer data = record.data();
      byte[] bytes = new byte[data.remaining()];
      data.get(bytes);
      return "[\"" + new String(opener.open(bytes), StandardCharsets.UTF_8) + "\",\"" + record.sequenceNumber() + "\","
          + record.subSequenceNumber() + "," + quoted(record.partitionKey()) + "," + quoted(record.explicitHashKey()) + "]";
    }

    private static String quoted(String key) {
      return key == null ? "null" : "\"" + key + "\"";
    }

    @Override
    public void leaseLost(LeaseLostInput input) {
      log.note("leaseLost", shardId, "");
    }

    @Override
    public void shardEnded(ShardEndedInput input) {
      checkpoint(input.checkpointer());
    }

    @Override
    public void shutdownRequested(ShutdownRequestedInput input) {
      checkpoint(input.checkpointer());
    }

    private void checkpoint(RecordProcessorCheckpointer checkpointer) {
      try {
        checkpointer.checkpoint();
      } catch (Exception e) {
        log.note("stopped", shardId, ",\"reason\":\"" + e.getClass().getSimpleName() + "\"");
      }
    }
  }
}
