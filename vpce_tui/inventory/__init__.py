"""What stands in the account now: live describe calls into frozen dataclasses."""
