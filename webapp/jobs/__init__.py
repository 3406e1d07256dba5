"""Background work: the worker with its messages, long jobs and periodic tidying."""
