"""Fernhill, a believable company for the demo: its people, its channels, a month of posts and messages.

History is inserted in bulk; whatever is live goes through the verbs, like everything a person does.
"""
