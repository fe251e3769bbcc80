"""What a room should show of a running turn; pure."""
