"""What people can tell the bot to do, one module per area."""
