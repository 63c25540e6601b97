"""What people look at: profiles as numbers, reports as pages."""
