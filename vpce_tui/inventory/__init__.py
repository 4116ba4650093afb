"""What is in the account now: live describe calls into frozen dataclasses."""
