"""Where to click in the AWS console, in its own words (2026): flow logs, trails, AWS Config, buckets."""

from collections.abc import Callable, Mapping
from typing import Final

from vpce_tui.core.json_values import at, string
from vpce_tui.plans.renderers.console_steps.phrases import Parameters, say


def _new_flow_log(parameters: Parameters) -> str:
    kind = {"VPC": "Your VPCs", "Subnet": "Subnets", "NetworkInterface": "EC2 › Network Interfaces"}[
        string(parameters, "ResourceType")
    ]
    return (
        f"VPC › {kind} › {say(parameters['ResourceIds'])} › Flow logs › Create flow log › Filter All, 1 minute, Send to "
        f"CloudWatch Logs, log group {say(parameters['LogGroupName'])}, role {say(parameters['DeliverLogsPermissionArn'])}, "
        "custom format: select all fields › Create flow log"
    )


def _yes(on: object) -> str:
    return "Enabled" if on else "Disabled"


WORDS: Final[Mapping[str, Callable[[Parameters], str]]] = {
    "StartQuery": lambda p: (
        f"CloudWatch › Logs › Logs Insights › log group {say(p['logGroupName'])}, the time range, the query of the CLI view › Run query"
    ),
    "GetQueryResults": lambda _: "CloudWatch › Logs › Logs Insights › wait for the results of that query",
    "CreateFlowLogs": _new_flow_log,
    "DeleteFlowLogs": lambda p: (
        f"VPC › Your VPCs › the VPC › Flow logs › tick {say(p['FlowLogIds'])} › Actions › Delete flow logs › Delete"
    ),
    "CreateLogGroup": lambda p: (
        f"CloudWatch › Logs › Log groups › Create log group › {say(p['logGroupName'])} › Create"
    ),
    "DeleteLogGroup": lambda p: (
        f"CloudWatch › Logs › Log groups › tick {say(p['logGroupName'])} › Actions › Delete log group(s) › Delete"
    ),
    "CreateTrail": lambda p: (
        f"CloudTrail › Trails › Create trail › name {say(p['Name'])}, existing S3 bucket {say(p['S3BucketName'])}, log file validation "
        "Enabled; it records every region › Next › Management events, Read and Write › Next › Create trail"
    ),
    "UpdateTrail": lambda p: (
        f"CloudTrail › Trails › {say(p['Name'])} › General details › Edit › multi-region trail "
        f"{_yes(p['IsMultiRegionTrail'])}, log file validation {_yes(p['EnableLogFileValidation'])} › Save changes"
    ),
    "DeleteTrail": lambda p: f"CloudTrail › Trails › {say(p['Name'])} › Delete › Delete",
    "StartLogging": lambda p: f"CloudTrail › Trails › {say(p['Name'])} › Start logging",
    "StopLogging": lambda p: f"CloudTrail › Trails › {say(p['Name'])} › Stop logging › Stop logging",
    "PutConfigurationRecorder": lambda p: (
        "AWS Config › Settings › Customer managed recorder › Edit › All resource types with customizable overrides, global types "
        f"{_yes(at(p, 'ConfigurationRecorder', 'recordingGroup', 'includeGlobalResourceTypes'))}, AWS Config service-linked role › Save"
    ),
    "PutDeliveryChannel": lambda p: (
        f"AWS Config › Settings › Customer managed recorder › Edit › Delivery channel: S3 bucket {say(at(p, 'DeliveryChannel', 's3BucketName'))} › Save"
    ),
    "StartConfigurationRecorder": lambda _: "AWS Config › Settings › Customer managed recorder › Start recording",
    "StopConfigurationRecorder": lambda _: (
        "AWS Config › Settings › Customer managed recorder › Stop recording › Confirm"
    ),
    "DeleteDeliveryChannel": lambda p: f"not in the console; use the CLI view ({say(p['DeliveryChannelName'])})",
    "DeleteConfigurationRecorder": lambda p: (
        f"not in the console; use the CLI view ({say(p['ConfigurationRecorderName'])})"
    ),
    "CreateBucket": lambda p: (
        f"S3 › General purpose buckets › Create bucket › name {say(p['Bucket'])}, region as in the CLI view › Create bucket"
    ),
    "DeleteBucket": lambda p: (
        f"S3 › General purpose buckets › tick {say(p['Bucket'])} › Delete › type its name › Delete bucket"
    ),
    "PutBucketPolicy": lambda p: (
        f"S3 › {say(p['Bucket'])} › Permissions › Bucket policy › Edit › {say(p['Policy'])} › Save changes"
    ),
    "DeleteBucketPolicy": lambda p: (
        f"S3 › {say(p['Bucket'])} › Permissions › Bucket policy › Delete › type delete › Delete"
    ),
    "PutPublicAccessBlock": lambda p: (
        f"S3 › {say(p['Bucket'])} › Permissions › Block public access › Edit › tick Block all public access › Save changes › confirm"
    ),
}
