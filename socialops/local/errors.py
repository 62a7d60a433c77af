class LocalError(Exception):
    """What stands in the way and how to mend it, in one or two sentences for the person at the keyboard."""
