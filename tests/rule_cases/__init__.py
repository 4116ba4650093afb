"""What each rule is tried on: rule, what it is about, the subject, and the severity that is raised (None: none)."""
