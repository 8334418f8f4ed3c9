// The journal's tables, as a list that only ever grows: entry n brings a file from version n to n + 1.

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    state TEXT NOT NULL,
    bay TEXT NOT NULL,
    serial TEXT,
    product TEXT,
    build TEXT,
    plan TEXT NOT NULL,
    problem TEXT,
    owner_pid INTEGER,
    owner_token TEXT
  ) STRICT;
  CREATE INDEX jobs_by_time ON jobs (created_at DESC);
  CREATE INDEX jobs_by_serial ON jobs (serial);
  CREATE TABLE steps (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    started_at TEXT,
    proven_at TEXT,
    receipt TEXT,
    PRIMARY KEY (job_id, seq)
  ) STRICT;
  CREATE UNIQUE INDEX steps_by_id ON steps (job_id, id);
  `,
  `
  CREATE TABLE verified_roms (
    path TEXT PRIMARY KEY,
    stamp TEXT NOT NULL,
    info TEXT NOT NULL,
    verified_at TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE known_terminals (
    id TEXT PRIMARY KEY,
    serial TEXT COLLATE NOCASE,
    chip_serial TEXT COLLATE NOCASE,
    bay TEXT NOT NULL,
    names TEXT NOT NULL,
    mode TEXT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL
  ) STRICT;
  CREATE INDEX known_terminals_by_serial ON known_terminals (serial);
  CREATE INDEX known_terminals_by_chip ON known_terminals (chip_serial);
  CREATE INDEX known_terminals_by_bay ON known_terminals (bay, last_seen);
  `,
  `
  CREATE TABLE trust_anchors (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    added_at TEXT NOT NULL,
    added_by TEXT NOT NULL
  ) STRICT;
  ALTER TABLE verified_roms ADD COLUMN evidence TEXT;
  `,
  'ALTER TABLE jobs ADD COLUMN operator TEXT;',
]
