"""What every feature stands on and no feature owns; imports nothing of the other floors."""
