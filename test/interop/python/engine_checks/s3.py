"""S3: objects, listings, an upload in parts, versions, tags and a policy."""

import hashlib
import io
import json
import os
import urllib.request

import boto3

BUCKET = "judged-by-boto3"
# More than one part of boto3's transfers, which are of 8 MiB.
LARGE = os.urandom(12 * 2**20)


def check(findings):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.get_waiter("bucket_exists").wait(Bucket=BUCKET, WaiterConfig={"Delay": 1})
    findings.true("list_buckets", BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]])
    findings.refused("head_bucket of none", "404", lambda: s3.head_bucket(Bucket="there-is-none"), 404)

    check_objects(findings, s3)
    check_listing(findings, s3)
    check_upload(findings, s3)
    check_settings(findings, s3)
    check_versions(findings, s3)


def check_objects(findings, s3):
    key = "größe/a b+c.txt"
    etag = f'"{hashlib.md5(b"text").hexdigest()}"'
    put = s3.put_object(
        Bucket=BUCKET, Key=key, Body=b"text", ContentType="text/plain", Metadata={"made-by": "judge"}
    )
    findings.equal("put_object: ETag", put["ETag"], etag)
    head = s3.head_object(Bucket=BUCKET, Key=key)
    findings.equal(
        "head_object",
        (head["ContentLength"], head["ContentType"], head["Metadata"], head["ETag"]),
        (4, "text/plain", {"made-by": "judge"}, etag),
    )
    findings.equal("get_object", s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(), b"text")
    part = s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=1-2")
    findings.equal("get_object: range", (part["Body"].read(), part["ContentRange"]), (b"ex", "bytes 1-2/4"))
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": key})
    findings.equal("copy_object", s3.get_object(Bucket=BUCKET, Key="copy")["Body"].read(), b"text")
    s3.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    findings.equal("an empty object", s3.get_object(Bucket=BUCKET, Key="empty")["Body"].read(), b"")
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        s3.put_object(Bucket=BUCKET, Key="summed", Body=b"text", ChecksumAlgorithm=algorithm)
        summed = s3.get_object(Bucket=BUCKET, Key="summed", ChecksumMode="ENABLED")
        findings.true(
            f"get_object: {algorithm}",
            summed.get(f"Checksum{algorithm}") and summed["Body"].read() == b"text",
        )
    address = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key})
    findings.equal("generate_presigned_url", fetch(address), b"text")

    findings.refused(
        "a key that is not there", "NoSuchKey", lambda: s3.get_object(Bucket=BUCKET, Key="missing"), 404
    )
    findings.refused("head_object of none", "404", lambda: s3.head_object(Bucket=BUCKET, Key="missing"), 404)
    findings.refused(
        "a bucket that is not there",
        "NoSuchBucket",
        lambda: s3.get_object(Bucket="there-is-none", Key="a"),
        404,
    )
    findings.refused(
        "put_object: there already",
        "PreconditionFailed",
        lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=b"", IfNoneMatch="*"),
        412,
    )
    findings.refused(
        "delete_bucket: not empty", "BucketNotEmpty", lambda: s3.delete_bucket(Bucket=BUCKET), 409
    )
    s3.delete_object(Bucket=BUCKET, Key=key)
    findings.refused("delete_object", "NoSuchKey", lambda: s3.get_object(Bucket=BUCKET, Key=key), 404)


def check_listing(findings, s3):
    keys = [f"list/{folder}/{n} ü&<" for folder in "ab" for n in range(5)]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    pages = list(
        s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 4}
        )
    )
    findings.equal(
        "list_objects_v2: keys", [entry["Key"] for page in pages for entry in page["Contents"]], keys
    )
    findings.equal("list_objects_v2: pages", [page["KeyCount"] for page in pages], [4, 4, 2])
    folders = s3.list_objects_v2(Bucket=BUCKET, Prefix="list/", Delimiter="/")["CommonPrefixes"]
    findings.equal("list_objects_v2: folders", [f["Prefix"] for f in folders], ["list/a/", "list/b/"])
    findings.equal(
        "list_objects",
        [e["Key"] for e in s3.list_objects(Bucket=BUCKET, Prefix="list/b")["Contents"]],
        keys[5:],
    )
    deleted = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]})
    findings.equal("delete_objects", sorted(entry["Key"] for entry in deleted["Deleted"]), keys)
    findings.equal(
        "delete_objects: none left", s3.list_objects_v2(Bucket=BUCKET, Prefix="list/")["KeyCount"], 0
    )


def check_upload(findings, s3):
    s3.upload_fileobj(io.BytesIO(LARGE), BUCKET, "large")
    head = s3.head_object(Bucket=BUCKET, Key="large")
    findings.equal("upload_fileobj: size", head["ContentLength"], len(LARGE))
    findings.true("upload_fileobj: two parts", head["ETag"].endswith('-2"'))
    target = io.BytesIO()
    s3.download_fileobj(BUCKET, "large", target)
    findings.true("download_fileobj", target.getvalue() == LARGE)
    s3.copy({"Bucket": BUCKET, "Key": "large"}, BUCKET, "large-copy")
    findings.true("copy", s3.get_object(Bucket=BUCKET, Key="large-copy")["Body"].read() == LARGE)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="given-up")["UploadId"]
    of_upload = {"Bucket": BUCKET, "Key": "given-up", "UploadId": upload}
    s3.upload_part(**of_upload, PartNumber=1, Body=b"x")
    findings.equal("list_parts", [part["Size"] for part in s3.list_parts(**of_upload)["Parts"]], [1])
    s3.abort_multipart_upload(**of_upload)
    findings.refused("abort_multipart_upload", "NoSuchUpload", lambda: s3.list_parts(**of_upload), 404)


def check_settings(findings, s3):
    s3.put_object_tagging(Bucket=BUCKET, Key="copy", Tagging={"TagSet": [{"Key": "größe", "Value": "a/b"}]})
    tags = s3.get_object_tagging(Bucket=BUCKET, Key="copy")["TagSet"]
    findings.equal("object tags", tags, [{"Key": "größe", "Value": "a/b"}])
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "for", "Value": "judge"}]})
    findings.equal(
        "bucket tags", s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"], [{"Key": "for", "Value": "judge"}]
    )
    findings.refused("no policy", "NoSuchBucketPolicy", lambda: s3.get_bucket_policy(Bucket=BUCKET), 404)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyByTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    findings.equal("bucket policy", json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]), policy)
    s3.delete_bucket_policy(Bucket=BUCKET)
    findings.refused(
        "a policy that is none", "MalformedPolicy", lambda: s3.put_bucket_policy(Bucket=BUCKET, Policy="{}")
    )
    closed = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=closed)
    got = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    findings.equal("public access block", got, closed)
    rule = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    findings.equal("bucket encryption", rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
    findings.equal("get_bucket_location", s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"], None)


def check_versions(findings, s3):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    findings.equal("versioning", s3.get_bucket_versioning(Bucket=BUCKET)["Status"], "Enabled")
    of_object = {"Bucket": BUCKET, "Key": "versioned"}
    first = s3.put_object(**of_object, Body=b"1")["VersionId"]
    second = s3.put_object(**of_object, Body=b"2")["VersionId"]
    findings.equal("a version", s3.get_object(**of_object, VersionId=first)["Body"].read(), b"1")
    marker = s3.delete_object(**of_object)
    findings.equal("delete_object: marker", marker["DeleteMarker"], True)
    findings.refused("a deleted object", "NoSuchKey", lambda: s3.get_object(**of_object), 404)
    listed = s3.list_object_versions(Bucket=BUCKET, Prefix="versioned")
    findings.equal("list_object_versions", [v["VersionId"] for v in listed["Versions"]], [second, first])
    findings.equal(
        "list_object_versions: marker",
        [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]],
        [(marker["VersionId"], True)],
    )
    s3.delete_object(**of_object, VersionId=marker["VersionId"])
    findings.equal("without the marker", s3.get_object(**of_object)["Body"].read(), b"2")
    findings.refused(
        "a version that is not there",
        "NoSuchVersion",
        lambda: s3.get_object(**of_object, VersionId=marker["VersionId"]),
        404,
    )


def fetch(address):
    """Without the client, and without a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=10) as response:
        return response.read()
