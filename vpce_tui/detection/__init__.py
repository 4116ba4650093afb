"""Why something is suspicious: pure rules over events, endpoints and instances."""
