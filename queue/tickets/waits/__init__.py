"""Learned waiting times: what queues usually take, how they move today, and how wrong forecasts have been. Pure."""
