"""Take stolen credentials out of an intruder's hands: keys, sessions, console, what was made with them, rights, rotation."""
