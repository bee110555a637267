"""What an operator imports: alert rules, and the dashboard with the module that writes it."""
