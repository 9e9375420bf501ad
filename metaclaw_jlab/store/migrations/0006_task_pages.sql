-- Indices for lists of tasks: by generation, by whether somebody told how they went, and those that teach nothing.

CREATE INDEX trajectories_by_generation ON trajectories (skill_generation, number);

CREATE INDEX trajectories_told ON trajectories (skill_generation, number) WHERE purpose = 'user' AND stop IS NOT NULL AND (checks <> '[]' OR json_extract(score, '$.source') = 'user');

CREATE INDEX trajectories_unteaching ON trajectories (number) WHERE learn = 0 OR purpose NOT IN ('user', 'retry', 'proxy');
