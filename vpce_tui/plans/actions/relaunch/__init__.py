"""A clean replacement for an instance, step by step: AMI, user data, group, profile, launch, return to service."""
