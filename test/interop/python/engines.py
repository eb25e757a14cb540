"""Calls every engine by boto3 with its defaults, as the variables of the environment say where they are.

A line `FAULT: ...` for each check that fails, in the end the counts of each service as JSON.
"""

import json
import os
import sys
import threading

from engine_checks import dynamodb, firehose, kinesis, kms, s3, sqs
from engine_checks.findings import Findings


def end_with_parent():
    # Nothing is ever written. Not by sys.stdin, whose lock would be held when the interpreter ends.
    os.read(0, 1)
    os._exit(1)


threading.Thread(target=end_with_parent, daemon=True).start()
counts = {}
faults = 0
for service in (kinesis, dynamodb, kms, s3, sqs, firehose):
    name = service.__name__.rpartition(".")[2]
    findings = Findings(name)
    try:
        service.check(findings)
    except Exception as error:
        findings.fault(f"stopped by {type(error).__name__}: {error}")
    for fault in findings.faults:
        print(f"FAULT: {fault}")
    counts[name] = findings.passed
    faults += len(findings.faults)
print(json.dumps({**counts, "passed": sum(counts.values()), "faults": faults}))
sys.exit(0 if faults == 0 else 1)
