"""Where to click in the AWS console, in its own words (2026): IAM."""

from collections.abc import Callable, Mapping
from typing import Final

from vpce_tui.plans.renderers.console_steps.phrases import Parameters, say

WORDS: Final[Mapping[str, Callable[[Parameters], str]]] = {
    "PutRolePolicy": lambda p: (
        f"IAM › Roles › {say(p['RoleName'])} › Permissions › Add permissions › Create inline policy › JSON, name {say(p['PolicyName'])}: {say(p['PolicyDocument'])}"
    ),
    "DeleteRolePolicy": lambda p: f"IAM › Roles › {say(p['RoleName'])} › Permissions › {say(p['PolicyName'])} › Remove",
    "UpdateAccessKey": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › Access keys › {say(p['AccessKeyId'])} › Actions › "
        + ("Deactivate" if p["Status"] == "Inactive" else "Activate")
    ),
    "PutUserPolicy": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Permissions › Add permissions › Create inline policy › JSON, name {say(p['PolicyName'])}: {say(p['PolicyDocument'])}"
    ),
    "DeleteUserPolicy": lambda p: f"IAM › Users › {say(p['UserName'])} › Permissions › {say(p['PolicyName'])} › Remove",
    "DeleteLoginProfile": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › Console sign-in › Manage console access › Disable access"
    ),
    "DeactivateMFADevice": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › Multi-factor authentication › {say(p['SerialNumber'])} › Remove"
    ),
    "DeleteSigningCertificate": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › X.509 Signing certificates › {say(p['CertificateId'])} › Delete"
    ),
    "DeleteServiceSpecificCredential": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › credentials for the service › {say(p['ServiceSpecificCredentialId'])} › Delete"
    ),
    "CreateRole": lambda p: (
        f"IAM › Roles › Create role › Custom trust policy: {say(p['AssumeRolePolicyDocument'])} › Next › Next › name {say(p['RoleName'])} › Create role"
    ),
    "DeleteRole": lambda p: f"IAM › Roles › tick {say(p['RoleName'])} › Delete › type its name › Delete",
    "AttachRolePolicy": lambda p: (
        f"IAM › Roles › {say(p['RoleName'])} › Permissions › Add permissions › Attach policies › tick {say(p['PolicyArn'])} › Add permissions"
    ),
    "DetachRolePolicy": lambda p: (
        f"IAM › Roles › {say(p['RoleName'])} › Permissions › tick {say(p['PolicyArn'])} › Remove"
    ),
    "CreateInstanceProfile": lambda p: (
        f"created with the role, if the role is created in the console for EC2; otherwise use the CLI view ({say(p['InstanceProfileName'])})"
    ),
    "DeleteInstanceProfile": lambda p: (
        f"deleted with the role, if the role is deleted in the console; otherwise use the CLI view ({say(p['InstanceProfileName'])})"
    ),
    "AddRoleToInstanceProfile": lambda p: f"not in the console; use the CLI view ({say(p['InstanceProfileName'])})",
    "RemoveRoleFromInstanceProfile": lambda p: (
        f"not in the console; use the CLI view ({say(p['InstanceProfileName'])})"
    ),
    "CreateServiceLinkedRole": lambda p: (
        f"IAM › Roles › Create role › AWS service › use case of {say(p['AWSServiceName'])} › Next › Next › Create role"
    ),
    "DeleteServiceLinkedRole": lambda p: f"IAM › Roles › tick {say(p['RoleName'])} › Delete › type its name › Delete",
    "CreatePolicyVersion": lambda p: (
        f"IAM › Policies › {say(p['PolicyArn'])} › Permissions › Edit › JSON: {say(p['PolicyDocument'])} › Next › untick Set this new "
        "version as the default › Save changes"
    ),
    "SetDefaultPolicyVersion": lambda p: (
        f"IAM › Policies › {say(p['PolicyArn'])} › Policy versions › {say(p['VersionId'])} › Set as default"
    ),
    "DeletePolicyVersion": lambda p: (
        f"IAM › Policies › {say(p['PolicyArn'])} › Policy versions › {say(p['VersionId'])} › Delete › Delete"
    ),
    "RemoveUserFromGroup": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Groups › tick {say(p['GroupName'])} › Remove"
    ),
    "AddUserToGroup": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Groups › Add user to groups › {say(p['GroupName'])} › Add"
    ),
    "DetachUserPolicy": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Permissions › tick {say(p['PolicyArn'])} › Remove"
    ),
    "AttachUserPolicy": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Permissions › Add permissions › Attach policies directly › {say(p['PolicyArn'])} › Add"
    ),
    "CreateAccessKey": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › Access keys › Create access key › Other › Next › Create access key"
    ),
    "DeleteAccessKey": lambda p: (
        f"IAM › Users › {say(p['UserName'])} › Security credentials › Access keys › {say(p['AccessKeyId'])} › Actions › Delete › "
        "Deactivate, type its id › Delete"
    ),
}
