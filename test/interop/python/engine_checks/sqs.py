"""SQS: queues, messages, attributes, and a receive that waits."""

import threading
import time

import boto3


def check(findings):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="judged", Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    findings.equal("get_queue_url", sqs.get_queue_url(QueueName="judged")["QueueUrl"], url)
    findings.equal("list_queues", sqs.list_queues(QueueNamePrefix="jud")["QueueUrls"], [url])

    check_messages(findings, sqs, url)
    check_waiting(findings, sqs, url)
    check_attributes(findings, sqs, url)
    check_refusals(findings, sqs, url)

    sqs.delete_queue(QueueUrl=url)
    findings.refused(
        "a deleted queue",
        "AWS.SimpleQueueService.NonExistentQueue",
        lambda: sqs.get_queue_url(QueueName="judged"),
    )


def check_messages(findings, sqs, url):
    # boto3 compares the MD5 of body and attributes by itself, and raises when they differ.
    attributes = {
        "text": {"DataType": "String", "StringValue": "値"},
        "count": {"DataType": "Number", "StringValue": "12"},
        "bytes": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="größe & <b>", MessageAttributes=attributes)
    got = sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
    )
    message = got["Messages"][0]
    findings.equal("receive_message: id", message["MessageId"], sent["MessageId"])
    findings.equal("receive_message: body", message["Body"], "größe & <b>")
    findings.equal("receive_message: attributes", message["MessageAttributes"], attributes)
    findings.equal("receive_message: count", message["Attributes"]["ApproximateReceiveCount"], "1")
    findings.equal("invisible", sqs.receive_message(QueueUrl=url).get("Messages"), None)
    handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(**handle, VisibilityTimeout=0)
    again = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"])[
        "Messages"
    ]
    findings.equal("change_message_visibility", again[0]["Attributes"]["ApproximateReceiveCount"], "2")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again[0]["ReceiptHandle"])
    findings.equal("delete_message", counts_of(sqs, url), (0, 0))

    entries = [{"Id": str(n), "MessageBody": f"body {n}"} for n in range(10)]
    batch = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    findings.equal(
        "send_message_batch",
        sorted(entry["Id"] for entry in batch["Successful"]),
        [str(n) for n in range(10)],
    )
    received = []
    while len(received) < 10:
        received += sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    findings.equal(
        "ten messages", sorted(m["Body"] for m in received), sorted(e["MessageBody"] for e in entries)
    )
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(received)]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=handles)
    findings.equal("delete_message_batch", len(deleted["Successful"]), 10)


def check_waiting(findings, sqs, url):
    """The message is sent while the receive waits for it."""
    waiting = []

    def receive():
        waiting.extend(
            boto3.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])
        )

    thread = threading.Thread(target=receive, daemon=True)
    begun = time.monotonic()
    thread.start()
    # Whether it waits already does not matter for what is found, and there is nothing that tells.
    thread.join(1)
    findings.true("long poll: waits", thread.is_alive())
    sqs.send_message(QueueUrl=url, MessageBody="late")
    thread.join(20)
    findings.equal("long poll: the message", [message["Body"] for message in waiting], ["late"])
    findings.true("long poll: at once", time.monotonic() - begun < 15)
    sqs.purge_queue(QueueUrl=url)
    findings.equal("purge_queue", counts_of(sqs, url), (0, 0))


def check_attributes(findings, sqs, url):
    dead = sqs.create_queue(QueueName="judged-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"1"}}'
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive, "DelaySeconds": "0"})
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    findings.equal("get_queue_attributes", attributes["VisibilityTimeout"], "7")
    findings.true("get_queue_attributes: redrive", arn in attributes["RedrivePolicy"])
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    message = sqs.receive_message(QueueUrl=url)["Messages"][0]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    findings.equal("redrive: no second time", sqs.receive_message(QueueUrl=url).get("Messages"), None)
    moved = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=5)["Messages"]
    findings.equal("redrive", [message["Body"] for message in moved], ["poison"])


def check_refusals(findings, sqs, url):
    findings.refused(
        "a queue that is not there",
        "AWS.SimpleQueueService.NonExistentQueue",
        lambda: sqs.send_message(QueueUrl=f"{url}-missing", MessageBody="a"),
    )
    findings.refused(
        "another visibility timeout",
        "QueueAlreadyExists",
        lambda: sqs.create_queue(QueueName="judged", Attributes={"VisibilityTimeout": "8"}),
    )
    findings.refused(
        "a message without a body",
        "MissingParameter",
        lambda: sqs.send_message(QueueUrl=url, MessageBody=""),
    )
    findings.refused(
        "eleven messages at once",
        "InvalidParameterValue",
        lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11),
    )
    findings.refused(
        "a handle that is none",
        "ReceiptHandleIsInvalid",
        lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle="none"),
    )
    findings.refused(
        "an empty batch",
        "AWS.SimpleQueueService.EmptyBatchRequest",
        lambda: sqs.send_message_batch(QueueUrl=url, Entries=[]),
    )


def counts_of(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(attributes[name]) for name in names)
