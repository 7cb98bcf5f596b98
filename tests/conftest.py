"""What holds for every test: quiet functions, no AWS credentials, no network beyond loopback."""

import os

os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "POWERTOOLS_SERVICE_NAME": "followup",
    "POWERTOOLS_METRICS_NAMESPACE": "FollowUp",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}
