"""A clean replacement for an instance, step by step: image, user data, group, profile, launch, return to service."""
