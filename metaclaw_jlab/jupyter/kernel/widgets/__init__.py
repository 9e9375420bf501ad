"""What front ends without the sidebar get: the dashboard, alive where anywidget is, and a picture of it everywhere."""
