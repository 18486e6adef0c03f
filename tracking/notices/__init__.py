"""What leaves the house: e-mail, SMS, calls to make, letters, webhooks, and the sweep for what has become late."""
