"""Playbooks: prose and ordered steps as data, the actions behind them, and the engine that plans, runs, checks, undoes."""
