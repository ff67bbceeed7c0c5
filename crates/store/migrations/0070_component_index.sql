-- Which images hold which packages, and what the advisories say about each package: so that a
-- new advisory is matched with what it touches, and no image or inventory is read for it.

-- One row: the number given last. Whoever changes an index below has it first, so that nobody
-- adds an image while what is said about its packages changes.
CREATE TABLE component_index (
    one  BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO component_index (one, last) VALUES (1, 0);

-- Every package once that any image holds, as it is matched.
CREATE TABLE matched_packages (
    id      BIGINT PRIMARY KEY,
    digest  TEXT NOT NULL UNIQUE,              -- of `package`
    package JSONB NOT NULL
);

-- Under which names statements about a package are found; in the order of bytes, in which a
-- complete matching goes through them.
CREATE TABLE package_keys (
    ecosystem  TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    package_id BIGINT NOT NULL,
    first      BOOLEAN NOT NULL,               -- of the package's keys
    PRIMARY KEY (ecosystem, name, package_id)
);
CREATE INDEX package_keys_by_package ON package_keys (package_id);

-- What the advisories say about a package. What they no longer say stays, with the reason.
CREATE TABLE package_matches (
    package_id    BIGINT NOT NULL,
    vulnerability TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,               -- of `detail`
    detail        JSONB NOT NULL,
    database      TEXT NOT NULL,               -- the version of the advisories that said so first
    since         TIMESTAMPTZ NOT NULL,
    ended_at      TIMESTAMPTZ,
    ended_because TEXT,
    PRIMARY KEY (package_id, vulnerability)
);

-- Every component once: a package at a place in a layer.
CREATE TABLE layer_components (
    id         BIGINT PRIMARY KEY,
    digest     TEXT NOT NULL UNIQUE,           -- of the package and `component`
    package_id BIGINT NOT NULL,
    component  JSONB NOT NULL
);

CREATE TABLE component_images (
    package_id   BIGINT NOT NULL,
    image        BIGINT NOT NULL,              -- `images.number`
    component_id BIGINT NOT NULL,
    PRIMARY KEY (package_id, image, component_id)
);

-- Nothing for images from before this table: the next matching reads their inventories.
ALTER TABLE images ADD COLUMN number BIGINT;
ALTER TABLE images ADD COLUMN components TEXT; -- digest of the components it is indexed under
CREATE UNIQUE INDEX images_by_number ON images (number);

ALTER TABLE findings ADD COLUMN package_id BIGINT;
CREATE INDEX findings_by_package ON findings (package_id, image);
