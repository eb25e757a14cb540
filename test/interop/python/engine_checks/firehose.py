"""Firehose: a delivery stream to S3, and what it delivers."""

import gzip
import re

import boto3

from .findings import until

NAME = "judged"
BUCKET = "judged-deliveries"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
KEY_PATTERN = rf"orders/\d{{4}}(/\d{{2}}){{3}}/{NAME}-1-\d{{4}}(-\d{{2}}){{5}}-[0-9a-f-]{{36}}\.gz"
ROLE_ARN = "arn:aws:iam::000000000000:role/firehose"


def check(findings):
    firehose = boto3.client("firehose")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    destination = {
        "RoleARN": ROLE_ARN,
        "BucketARN": BUCKET_ARN,
        "Prefix": "orders/",
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
        "CompressionFormat": "GZIP",
    }
    arn = firehose.create_delivery_stream(
        DeliveryStreamName=NAME,
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration=destination,
    )["DeliveryStreamARN"]
    status = until(lambda: status_of(firehose) == "ACTIVE")
    findings.true("describe_delivery_stream: active", status)
    described = firehose.describe_delivery_stream(DeliveryStreamName=NAME)["DeliveryStreamDescription"]
    findings.equal("describe_delivery_stream: ARN", described["DeliveryStreamARN"], arn)
    told = described["Destinations"][0]["ExtendedS3DestinationDescription"]
    findings.equal(
        "describe_delivery_stream: destination", {name: told[name] for name in destination}, destination
    )
    findings.equal("list_delivery_streams", firehose.list_delivery_streams()["DeliveryStreamNames"], [NAME])

    lines = [f"größe {n}\n".encode() for n in range(100)]
    answer = firehose.put_record_batch(DeliveryStreamName=NAME, Records=[{"Data": line} for line in lines])
    findings.equal("put_record_batch: no failure", answer["FailedPutCount"], 0)
    findings.equal(
        "put_record_batch: ids", len({entry["RecordId"] for entry in answer["RequestResponses"]}), 100
    )
    findings.true(
        "put_record", firehose.put_record(DeliveryStreamName=NAME, Record={"Data": b"last\n"})["RecordId"]
    )
    wanted = b"".join(lines) + b"last\n"
    until(lambda: len(delivered(s3)) >= len(wanted))
    findings.true("the objects' content", delivered(s3) == wanted)
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    findings.true("the objects' keys", all(re.fullmatch(KEY_PATTERN, key) for key in keys))

    check_refusals(findings, firehose, destination)
    firehose.delete_delivery_stream(DeliveryStreamName=NAME)
    findings.true(
        "delete_delivery_stream", until(lambda: not firehose.list_delivery_streams()["DeliveryStreamNames"])
    )


def check_refusals(findings, firehose, destination):
    record = {"Data": b"x"}
    findings.refused(
        "a delivery stream that is not there",
        "ResourceNotFoundException",
        lambda: firehose.put_record(DeliveryStreamName="missing", Record=record),
    )
    findings.refused(
        "create_delivery_stream twice",
        "ResourceInUseException",
        lambda: firehose.create_delivery_stream(
            DeliveryStreamName=NAME, ExtendedS3DestinationConfiguration=destination
        ),
    )
    findings.refused(
        "501 records",
        "ValidationException",
        lambda: firehose.put_record_batch(DeliveryStreamName=NAME, Records=[record] * 501),
    )
    findings.refused(
        "a record beyond 1,000 KiB",
        "ValidationException",
        lambda: firehose.put_record(DeliveryStreamName=NAME, Record={"Data": bytes(1_000 * 1024 + 1)}),
    )
    findings.refused(
        "no destination",
        "InvalidArgumentException",
        lambda: firehose.create_delivery_stream(DeliveryStreamName="nowhere"),
    )


def status_of(firehose):
    answer = firehose.describe_delivery_stream(DeliveryStreamName=NAME)
    return answer["DeliveryStreamDescription"]["DeliveryStreamStatus"]


def delivered(s3):
    """All objects together, in the order of their names, which is the one of time."""
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return b"".join(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys)
