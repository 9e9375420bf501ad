"""Skills: read and write a library of SKILL.md folders, and find the ones that bear on a task."""
