"""What leaves the house: e-mail, SMS, calls to make, letters, webhooks, and the sweep that finds what has become late."""
