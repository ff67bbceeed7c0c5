-- Witnesses of the log: what each cosigned last, and when it is asked again. Whoever asks one has it
-- until `taken_until`.

CREATE TABLE log_witnesses (
    witness     TEXT PRIMARY KEY,             -- NAME+HASH+KEY
    known_size  BIGINT NOT NULL,              -- how many entries it knows of, as far as is known here
    size        BIGINT,                       -- of the head that it cosigned last
    line        TEXT,                         -- its cosignature
    cosigned_at TIMESTAMPTZ,                  -- when, by its own clock
    ask_at      TIMESTAMPTZ NOT NULL,
    taken_until TIMESTAMPTZ,
    failures    BIGINT NOT NULL,              -- since it cosigned last
    problem     TEXT                          -- what it answered then
);
