"""Events: what happened, from event history or from files, normalised, with the raw record beside."""
