"""DynamoDB: a table, items, conditions, queries and scans."""

import boto3

TABLE = "judged"


def check(findings):
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": "lease", "AttributeType": "S"},
            {"AttributeName": "number", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "lease", "KeyType": "HASH"},
            {"AttributeName": "number", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    described = dynamodb.describe_table(TableName=TABLE)["Table"]
    findings.equal("describe_table: status", described["TableStatus"], "ACTIVE")
    findings.equal(
        "describe_table: billing", described["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST"
    )

    check_item(findings, dynamodb)
    check_many(findings, dynamodb)
    check_refusals(findings, dynamodb)

    dynamodb.delete_table(TableName=TABLE)
    dynamodb.get_waiter("table_not_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    findings.equal("delete_table", dynamodb.list_tables()["TableNames"], [])


def check_item(findings, dynamodb):
    item = {
        **key_of("größe", 1),
        "owner": {"S": "worker-1"},
        "counter": {"N": "12345678901234567890123456789012345678"},
        "bytes": {"B": bytes(range(256))},
        "flag": {"BOOL": True},
        "nothing": {"NULL": True},
        "list": {"L": [{"S": "a"}, {"N": "1"}]},
        "map": {"M": {"表": {"S": "値"}}},
        "names": {"SS": ["a", "b"]},
    }
    dynamodb.put_item(TableName=TABLE, Item=item)
    got = dynamodb.get_item(TableName=TABLE, Key=key_of("größe", 1), ConsistentRead=True)["Item"]
    got["names"]["SS"].sort()
    findings.equal("get_item: every type", got, item)
    findings.equal("get_item: none", dynamodb.get_item(TableName=TABLE, Key=key_of("x", 1)).get("Item"), None)

    change = {
        "TableName": TABLE,
        "Key": key_of("größe", 1),
        "UpdateExpression": "SET #o = :new ADD renewals :one REMOVE nothing",
        "ConditionExpression": "#o = :old",
        "ExpressionAttributeNames": {"#o": "owner"},
        "ExpressionAttributeValues": {
            ":new": {"S": "worker-2"},
            ":old": {"S": "worker-1"},
            ":one": {"N": "1"},
        },
    }
    updated = dynamodb.update_item(**change, ReturnValues="UPDATED_NEW")["Attributes"]
    findings.equal("update_item", updated, {"owner": {"S": "worker-2"}, "renewals": {"N": "1"}})
    findings.refused(
        "update_item: condition", "ConditionalCheckFailedException", lambda: dynamodb.update_item(**change)
    )
    findings.refused(
        "put_item: condition",
        "ConditionalCheckFailedException",
        lambda: dynamodb.put_item(
            TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(lease)"
        ),
    )
    try:
        dynamodb.update_item(**change, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        findings.equal(
            "update_item: the item at fault", error.response.get("Item", {}).get("owner"), {"S": "worker-2"}
        )
    gone = dynamodb.delete_item(TableName=TABLE, Key=key_of("größe", 1), ReturnValues="ALL_OLD")["Attributes"]
    findings.equal("delete_item", gone["owner"], {"S": "worker-2"})


def check_many(findings, dynamodb):
    """By the resource, which turns items into values of Python."""
    table = boto3.resource("dynamodb").Table(TABLE)
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(
                Item={"lease": "many", "number": number, "text": "x" * 100, "even": number % 2 == 0}
            )
    queried = table.query(
        KeyConditionExpression=boto3.dynamodb.conditions.Key("lease").eq("many")
        & boto3.dynamodb.conditions.Key("number").between(10, 19),
        ScanIndexForward=False,
    )["Items"]
    findings.equal(
        "query: range, backwards", [int(item["number"]) for item in queried], list(range(19, 9, -1))
    )
    filtered = table.query(
        KeyConditionExpression=boto3.dynamodb.conditions.Key("lease").eq("many"),
        FilterExpression=boto3.dynamodb.conditions.Attr("even").eq(True),
    )
    findings.equal("query: filter", (filtered["Count"], filtered["ScannedCount"]), (30, 60))
    pages = list(
        dynamodb.get_paginator("scan").paginate(
            TableName=TABLE, PaginationConfig={"PageSize": 25}, Select="COUNT"
        )
    )
    findings.equal("scan: pages", [page["Count"] for page in pages], [25, 25, 10])
    got = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": [key_of("many", n) for n in range(3)]}})
    findings.equal("batch_get_item", len(got["Responses"][TABLE]), 3)


def check_refusals(findings, dynamodb):
    findings.refused(
        "get_item of no table",
        "ResourceNotFoundException",
        lambda: dynamodb.get_item(TableName="missing", Key=key_of("a", 1)),
    )
    findings.refused(
        "put_item without its key",
        "ValidationException",
        lambda: dynamodb.put_item(TableName=TABLE, Item={"lease": {"S": "a"}}),
    )
    findings.refused(
        "create_table twice",
        "ResourceInUseException",
        lambda: dynamodb.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        ),
    )
    findings.refused(
        "delete_table of no table",
        "ResourceNotFoundException",
        lambda: dynamodb.delete_table(TableName="missing"),
    )


def key_of(lease, number):
    return {"lease": {"S": lease}, "number": {"N": str(number)}}
