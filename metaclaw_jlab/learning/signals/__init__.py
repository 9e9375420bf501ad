"""What tells whether somebody is working: each signal looks at one thing and says idle, busy or unknown."""
