"""What sources and models say, calibrated, weighed and added up."""
