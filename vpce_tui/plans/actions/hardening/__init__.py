"""Harden an account: what is wrong as a table, then put right one by one or in ticked bulk."""
