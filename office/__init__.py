"""What tracking and tickets stand on: office tree, services, procedures, counters, working calendar."""
