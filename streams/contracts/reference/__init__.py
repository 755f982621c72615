"""What people write: offers, products, stock, beacons and policies, as files and as records."""
