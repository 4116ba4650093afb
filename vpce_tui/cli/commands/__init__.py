"""The commands: each parses nothing and shows little; the core does the work."""
