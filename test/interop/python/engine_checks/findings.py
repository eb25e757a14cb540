"""What the checks of one service found."""

import time

from botocore.exceptions import ClientError

PATIENCE_SECONDS = 30


class Findings:
    def __init__(self, service):
        self.service = service
        self.passed = 0
        self.faults = []

    def fault(self, text):
        self.faults.append(f"{self.service}: {text}")

    def equal(self, name, found, expected):
        if found == expected:
            self.passed += 1
        else:
            self.fault(f"{name}: {found!r:.200} instead of {expected!r:.200}")

    def true(self, name, found):
        self.equal(name, bool(found), True)

    def refused(self, name, code, call, status=400):
        """The call fails with this code of ClientError, and this status of HTTP."""
        try:
            call()
        except ClientError as error:
            response = error.response
            self.equal(
                name,
                (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]),
                (code, status),
            )
        else:
            self.fault(f"{name}: taken instead of {code}")


def until(question):
    """The first answer that is something, or the last one when patience is over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = question()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)
