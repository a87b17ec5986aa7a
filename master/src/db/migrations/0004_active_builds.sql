-- The few builds that run, found without a walk through all that a worker or a builder ever had.
CREATE INDEX builds_active_of_worker ON builds (worker) WHERE state <> 'finished';
CREATE INDEX builds_active_of_builder ON builds (builder) WHERE state <> 'finished';
