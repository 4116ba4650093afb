"""Policies understood: parsed into a small model, and asked who outside may do what through them."""
