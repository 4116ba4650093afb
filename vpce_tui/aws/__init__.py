"""The one way to AWS: calls as values, the gate they pass, the session that makes them."""
