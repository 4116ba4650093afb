"""One screen a file: each shows state and sends intent."""
