"""When the owner of a calendar is away: files and URLs, CalDAV servers, Google, each read in a process of its own."""
