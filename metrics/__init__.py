"""Every metric of the product, declared once."""
