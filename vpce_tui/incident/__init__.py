"""The record of an incident: an append-only journal, and evidence files beside it."""
