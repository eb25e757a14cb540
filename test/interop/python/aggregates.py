"""Aggregates user records, and takes aggregates apart, by aws_kinesis_agg; JSON, an order and an answer a line:

{"takeApart": base64}         -> [[partition key, explicit hash key or null, base64], ...]
{"aggregate": [as above]}     -> base64
"""

import json
import sys
from base64 import b64decode, b64encode

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records


def take_apart(aggregate):
    event = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "sequenceNumber": "1",
            "partitionKey": "a",
            "approximateArrivalTimestamp": 0,
            "data": aggregate,
        }
    }
    user_records = [record["kinesis"] for record in deaggregate_records(event)]
    return [
        [record["partitionKey"], record.get("explicitHashKey"), as_text(record["data"])]
        for record in user_records
    ]


def aggregate_all(user_records):
    aggregator = RecordAggregator()
    for partition_key, explicit_hash_key, data in user_records:
        if aggregator.add_user_record(partition_key, b64decode(data), explicit_hash_key) is not None:
            raise ValueError("more than one aggregate")
    _, _, data = aggregator.clear_and_get().get_contents()
    return b64encode(data).decode()


def as_text(data):
    """An aggregate that was not taken apart still has its base64 as it came."""
    return data if isinstance(data, str) else data.decode()


for line in sys.stdin:
    order = json.loads(line)
    answer = take_apart(order["takeApart"]) if "takeApart" in order else aggregate_all(order["aggregate"])
    print(json.dumps(answer), flush=True)
