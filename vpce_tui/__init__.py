"""Incident response in the terminal for suspicious VPC endpoints and compromised EC2 instances."""

__version__ = "0.1.0"
