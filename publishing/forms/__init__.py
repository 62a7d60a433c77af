"""What people fill in. The rules are in the verbs; forms read and keep what was typed."""
