"""Seals and opens messages by the AWS Encryption SDK for Python, one order a line, as Messages.java does.

open  -      message             -> ok  plaintext  name=value lines
seal  suite  plaintext  context  -> ok  message
                                 -> error  class of the exception

The parts of a line are separated by tabs, and in base64 but for the first two. JUDGE_KEYS has the ARNs of the
keys, separated by commas.
"""

import os
import sys
from base64 import b64decode, b64encode

import aws_encryption_sdk
from aws_encryption_sdk.identifiers import AlgorithmSuite, CommitmentPolicy

client = aws_encryption_sdk.EncryptionSDKClient(
    commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
)
provider = aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=os.environ["JUDGE_KEYS"].split(","))
suites = {
    "0478": AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY,
    "0578": AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384,
}


def open_message(message):
    plaintext, header = client.decrypt(source=b64decode(message), key_provider=provider)
    pairs = "\n".join(f"{name}={value}" for name, value in header.encryption_context.items())
    return [plaintext, pairs.encode()]


def seal_message(suite, plaintext, context):
    pairs = (line.split("=", 1) for line in b64decode(context).decode().split("\n"))
    message, _ = client.encrypt(
        source=b64decode(plaintext),
        key_provider=provider,
        encryption_context=dict(pairs),
        algorithm=suites[suite],
    )
    return [message]


def answer(order, suite, *parts):
    try:
        told = open_message(*parts) if order == "open" else seal_message(suite, *parts)
        return ["ok", *(b64encode(part).decode() for part in told)]
    except Exception as error:
        return ["error", type(error).__name__]


for line in sys.stdin:
    print("\t".join(answer(*line.rstrip("\n").split("\t"))), flush=True)
