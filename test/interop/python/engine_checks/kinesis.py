"""Kinesis: a stream, its records, a split, and what is refused."""

import hashlib

import boto3

from .findings import until

STREAM = "judged"
LARGEST_HASH_KEY = 2**128 - 1


def check(findings):
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
    described = kinesis.describe_stream(StreamName=STREAM)["StreamDescription"]
    findings.equal("describe_stream: status", described["StreamStatus"], "ACTIVE")
    findings.equal("describe_stream: shards", len(described["Shards"]), 2)
    findings.equal("describe_stream: retention", described["RetentionPeriodHours"], 24)
    summary = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
    findings.equal("describe_stream_summary: open shards", summary["OpenShardCount"], 2)
    findings.equal("describe_stream_summary: ARN", summary["StreamARN"], described["StreamARN"])
    findings.equal("list_streams", STREAM in kinesis.list_streams()["StreamNames"], True)
    shards = kinesis.list_shards(StreamName=STREAM)["Shards"]
    ranges = [hash_range(shard) for shard in shards]
    findings.equal("list_shards: whole range", (ranges[0][0], ranges[1][1]), (0, LARGEST_HASH_KEY))
    findings.equal("list_shards: no gap", ranges[0][1] + 1, ranges[1][0])

    check_records(findings, kinesis, shards)
    check_fan_out(findings, kinesis, described["StreamARN"], shards[0]["ShardId"])
    check_split(findings, kinesis, shards[0])
    check_refusals(findings, kinesis, shards[0]["ShardId"])

    kinesis.delete_stream(StreamName=STREAM)
    kinesis.get_waiter("stream_not_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
    findings.refused(
        "a deleted stream", "ResourceNotFoundException", lambda: kinesis.describe_stream(StreamName=STREAM)
    )


def check_records(findings, kinesis, shards):
    single = kinesis.put_record(StreamName=STREAM, PartitionKey="größe", Data=bytes(range(256)))
    findings.equal("put_record: shard by MD5", single["ShardId"], shard_of(shards, md5("größe")))
    entries = [{"PartitionKey": f"key-{n}", "Data": b"x" * n} for n in range(200)]
    entries += [{"PartitionKey": "a", "ExplicitHashKey": str(LARGEST_HASH_KEY), "Data": b"last"}]
    put = kinesis.put_records(StreamName=STREAM, Records=entries)
    findings.equal("put_records: no failure", put["FailedRecordCount"], 0)
    expected = [shard_of(shards, md5(entry["PartitionKey"])) for entry in entries[:-1]] + [
        shards[1]["ShardId"]
    ]
    findings.equal("put_records: shards", [record["ShardId"] for record in put["Records"]], expected)

    read = {shard["ShardId"]: read_all(kinesis, shard["ShardId"]) for shard in shards}
    records = [record for of_shard in read.values() for record in of_shard]
    findings.equal(
        "get_records: keys and bytes",
        sorted((record["PartitionKey"], record["Data"]) for record in records),
        sorted(
            [("größe", bytes(range(256)))] + [(entry["PartitionKey"], entry["Data"]) for entry in entries]
        ),
    )
    sequences = [[int(record["SequenceNumber"]) for record in of_shard] for of_shard in read.values()]
    findings.true("get_records: in order", all(numbers == sorted(numbers) for numbers in sequences))
    findings.equal(
        "get_records: time zone", records[0]["ApproximateArrivalTimestamp"].tzinfo is not None, True
    )

    sequence = single["SequenceNumber"]
    at = {"StreamName": STREAM, "ShardId": single["ShardId"], "StartingSequenceNumber": sequence}
    for kind, first in (("AT_SEQUENCE_NUMBER", True), ("AFTER_SEQUENCE_NUMBER", False)):
        iterator = kinesis.get_shard_iterator(**at, ShardIteratorType=kind)["ShardIterator"]
        got = kinesis.get_records(ShardIterator=iterator, Limit=1)["Records"]
        findings.equal(kind, [record["SequenceNumber"] for record in got] == [sequence], first)
    # By boto3 a time goes out with a fraction of a second.
    by_time = kinesis.get_shard_iterator(
        StreamName=STREAM,
        ShardId=single["ShardId"],
        ShardIteratorType="AT_TIMESTAMP",
        Timestamp=read[single["ShardId"]][0]["ApproximateArrivalTimestamp"],
    )
    got = kinesis.get_records(ShardIterator=by_time["ShardIterator"], Limit=1)["Records"]
    findings.equal("AT_TIMESTAMP", [record["SequenceNumber"] for record in got], [sequence])


def check_fan_out(findings, kinesis, stream_arn, shard_id):
    consumer = kinesis.register_stream_consumer(StreamARN=stream_arn, ConsumerName="judge")["Consumer"]
    arn = {"ConsumerARN": consumer["ConsumerARN"]}
    findings.true(
        "register_stream_consumer",
        until(
            lambda: kinesis.describe_stream_consumer(**arn)["ConsumerDescription"]["ConsumerStatus"]
            == "ACTIVE"
        ),
    )
    polled = read_all(kinesis, shard_id)
    pushed = []
    subscription = kinesis.subscribe_to_shard(
        **arn, ShardId=shard_id, StartingPosition={"Type": "TRIM_HORIZON"}
    )
    # An event comes every few seconds, also when there is nothing.
    for event in subscription["EventStream"]:
        pushed += event["SubscribeToShardEvent"]["Records"]
        if event["SubscribeToShardEvent"]["MillisBehindLatest"] == 0:
            break
    subscription["EventStream"].close()
    findings.equal(
        "subscribe_to_shard",
        [(record["SequenceNumber"], record["Data"]) for record in pushed],
        [(record["SequenceNumber"], record["Data"]) for record in polled],
    )
    kinesis.deregister_stream_consumer(**arn)


def check_split(findings, kinesis, shard):
    start, end = hash_range(shard)
    middle = (start + end + 1) // 2
    kinesis.split_shard(StreamName=STREAM, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle))
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
    after = until(
        lambda: [s for s in kinesis.list_shards(StreamName=STREAM)["Shards"] if "ParentShardId" in s]
    )
    findings.equal(
        "split_shard: children", [child["ParentShardId"] for child in after], [shard["ShardId"]] * 2
    )
    findings.equal(
        "split_shard: ranges", [hash_range(child) for child in after], [(start, middle - 1), (middle, end)]
    )
    latest = kinesis.list_shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    findings.equal("list_shards: open ones", len(latest), 3)
    iterator = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
    )
    ended = kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    findings.equal("get_records: the end of a shard", ended.get("NextShardIterator"), None)
    findings.equal("get_records: children", len(ended.get("ChildShards", [])), 2)
    # Its paginator names the stream on each page, which Kinesis refuses.
    first = kinesis.list_shards(StreamName=STREAM, MaxResults=3)
    rest = kinesis.list_shards(NextToken=first["NextToken"])
    findings.equal("list_shards: pages", (len(first["Shards"]), len(rest["Shards"])), (3, 1))


def check_refusals(findings, kinesis, shard_id):
    record = {"PartitionKey": "a", "Data": b"x"}
    findings.refused(
        "create_stream twice",
        "ResourceInUseException",
        lambda: kinesis.create_stream(StreamName=STREAM, ShardCount=1),
    )
    findings.refused(
        "put_record to no stream",
        "ResourceNotFoundException",
        lambda: kinesis.put_record(StreamName="missing", **record),
    )
    findings.refused(
        "an explicit hash key beyond 128 bits",
        "InvalidArgumentException",
        lambda: kinesis.put_record(StreamName=STREAM, ExplicitHashKey=str(2**128), **record),
    )
    findings.refused(
        "a name with a blank",
        "ValidationException",
        lambda: kinesis.create_stream(StreamName="not good", ShardCount=1),
    )
    findings.refused(
        "a shard that is not there",
        "ResourceNotFoundException",
        lambda: kinesis.get_shard_iterator(
            StreamName=STREAM, ShardId="shardId-000000000099", ShardIteratorType="LATEST"
        ),
    )
    findings.refused(
        "no iterator", "InvalidArgumentException", lambda: kinesis.get_records(ShardIterator="AAAAnone")
    )
    findings.refused(
        "a record of 11 MiB",
        "ValidationException",
        lambda: kinesis.put_record(StreamName=STREAM, PartitionKey="a", Data=bytes(11 * 2**20)),
    )
    findings.refused(
        "a merge of a shard with itself",
        "InvalidArgumentException",
        lambda: kinesis.merge_shards(StreamName=STREAM, ShardToMerge=shard_id, AdjacentShardToMerge=shard_id),
    )


def read_all(kinesis, shard_id):
    iterator = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = []
    while True:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=50)
        records += answer["Records"]
        iterator = answer["NextShardIterator"]
        if answer["MillisBehindLatest"] == 0:
            return records


def hash_range(shard):
    return int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"])


def shard_of(shards, hash_key):
    return next(s["ShardId"] for s in shards if hash_range(s)[0] <= hash_key <= hash_range(s)[1])


def md5(partition_key):
    return int.from_bytes(hashlib.md5(partition_key.encode()).digest(), "big")
