"""What an office has done and what it has to do: the reports, and the pages of those who supervise."""
