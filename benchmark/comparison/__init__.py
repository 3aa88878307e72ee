"""Two results side by side: what differs beyond noise, and what differs around it."""
