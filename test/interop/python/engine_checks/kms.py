"""KMS: keys, aliases, data keys, and encryption contexts."""

import boto3

CONTEXT = {"stream": "orders", "größe": "値"}


def check(findings):
    kms = boto3.client("kms")
    key = kms.create_key(Description="of the judge", Tags=[{"TagKey": "for", "TagValue": "boto3"}])[
        "KeyMetadata"
    ]
    findings.equal(
        "create_key: state",
        (key["KeyState"], key["Enabled"], key["KeySpec"]),
        ("Enabled", True, "SYMMETRIC_DEFAULT"),
    )
    kms.create_alias(AliasName="alias/judged", TargetKeyId=key["KeyId"])
    findings.equal(
        "describe_key by alias", kms.describe_key(KeyId="alias/judged")["KeyMetadata"]["Arn"], key["Arn"]
    )
    aliases = [alias for page in kms.get_paginator("list_aliases").paginate() for alias in page["Aliases"]]
    findings.equal(
        "list_aliases",
        [a["TargetKeyId"] for a in aliases if a["AliasName"] == "alias/judged"],
        [key["KeyId"]],
    )

    data_key = kms.generate_data_key(KeyId="alias/judged", KeySpec="AES_256", EncryptionContext=CONTEXT)
    findings.equal("generate_data_key: length", len(data_key["Plaintext"]), 32)
    findings.equal("generate_data_key: key", data_key["KeyId"], key["Arn"])
    sealed = {"CiphertextBlob": data_key["CiphertextBlob"]}
    opened = kms.decrypt(**sealed, EncryptionContext=CONTEXT)
    findings.equal("decrypt: data key", opened["Plaintext"], data_key["Plaintext"])
    findings.equal(
        "decrypt: key and algorithm",
        (opened["KeyId"], opened["EncryptionAlgorithm"]),
        (key["Arn"], "SYMMETRIC_DEFAULT"),
    )
    hidden = kms.generate_data_key_without_plaintext(KeyId=key["Arn"], NumberOfBytes=24)
    findings.equal(
        "generate_data_key_without_plaintext",
        len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]),
        24,
    )
    text = kms.encrypt(KeyId=key["KeyId"], Plaintext="größe".encode(), EncryptionContext=CONTEXT)[
        "CiphertextBlob"
    ]
    plain = kms.decrypt(CiphertextBlob=text, KeyId="alias/judged", EncryptionContext=CONTEXT)["Plaintext"]
    findings.equal("encrypt and decrypt", plain, "größe".encode())
    again = kms.re_encrypt(
        CiphertextBlob=text, SourceEncryptionContext=CONTEXT, DestinationKeyId=key["KeyId"]
    )
    findings.equal(
        "re_encrypt", kms.decrypt(CiphertextBlob=again["CiphertextBlob"])["Plaintext"], "größe".encode()
    )

    check_refusals(findings, kms, key, sealed)


def check_refusals(findings, kms, key, sealed):
    wrong = {**CONTEXT, "stream": "payments"}
    findings.refused(
        "decrypt: another context",
        "InvalidCiphertextException",
        lambda: kms.decrypt(**sealed, EncryptionContext=wrong),
    )
    findings.refused("decrypt: no context", "InvalidCiphertextException", lambda: kms.decrypt(**sealed))
    findings.refused(
        "decrypt: no ciphertext",
        "InvalidCiphertextException",
        lambda: kms.decrypt(CiphertextBlob=b"none of it"),
    )
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    findings.refused(
        "decrypt: another key",
        "IncorrectKeyException",
        lambda: kms.decrypt(**sealed, KeyId=other, EncryptionContext=CONTEXT),
    )
    findings.refused(
        "an alias that is not there", "NotFoundException", lambda: kms.describe_key(KeyId="alias/missing")
    )
    findings.refused(
        "an alias twice",
        "AlreadyExistsException",
        lambda: kms.create_alias(AliasName="alias/judged", TargetKeyId=other),
    )
    kms.disable_key(KeyId=key["KeyId"])
    findings.equal("disable_key", kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"], "Disabled")
    findings.refused(
        "decrypt: disabled", "DisabledException", lambda: kms.decrypt(**sealed, EncryptionContext=CONTEXT)
    )
    findings.refused(
        "generate_data_key: disabled",
        "DisabledException",
        lambda: kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256"),
    )
    kms.enable_key(KeyId=key["KeyId"])
    findings.equal("enable_key", len(kms.decrypt(**sealed, EncryptionContext=CONTEXT)["Plaintext"]), 32)
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    findings.refused(
        "decrypt: pending deletion",
        "KMSInvalidStateException",
        lambda: kms.decrypt(**sealed, EncryptionContext=CONTEXT),
    )
