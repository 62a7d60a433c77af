"""One machinery for every effect outside: intent committed first, fenced, leased, looked up when unsure."""
