-- The campus server's tables in SQLite as of the first release: migrations start from here.
CREATE TABLE attempts (
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    failures INTEGER NOT NULL,
    locked_until FLOAT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (name, address)
);
CREATE TABLE audit (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    user TEXT NOT NULL,
    action TEXT NOT NULL,
    what TEXT NOT NULL,
    times INTEGER DEFAULT '1' NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX audit_at ON audit (at);
CREATE TABLE changed (
    date TEXT NOT NULL,
    at FLOAT NOT NULL,
    PRIMARY KEY (date)
);
CREATE TABLE clock (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY ("key")
);
CREATE TABLE codes (
    code TEXT NOT NULL,
    expires_at FLOAT NOT NULL,
    PRIMARY KEY (code)
);
CREATE TABLE corrections (
    campus TEXT NOT NULL,
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    newest TEXT NOT NULL,
    token TEXT NOT NULL,
    PRIMARY KEY (campus, gateway, epoch)
);
CREATE TABLE gateways (
    campus TEXT NOT NULL,
    gateway TEXT NOT NULL,
    heard_at FLOAT NOT NULL,
    clock_off_s FLOAT DEFAULT '0' NOT NULL,
    PRIMARY KEY (campus, gateway)
);
CREATE TABLE items (
    campus TEXT NOT NULL,
    gateway TEXT NOT NULL,
    "key" TEXT NOT NULL,
    kind TEXT NOT NULL,
    date TEXT NOT NULL,
    at FLOAT NOT NULL,
    revision BIGINT NOT NULL,
    payload TEXT NOT NULL,
    sealed TEXT DEFAULT '' NOT NULL,
    received_at FLOAT NOT NULL,
    epoch TEXT DEFAULT '' NOT NULL,
    token TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (campus, gateway, "key")
);
CREATE INDEX items_date ON items (date, campus);
CREATE INDEX items_received ON items (kind, received_at);
CREATE INDEX items_token ON items (gateway, token, epoch);
CREATE TABLE notices (
    id INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    kind TEXT NOT NULL,
    campus TEXT DEFAULT '' NOT NULL,
    contact TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    made_at FLOAT NOT NULL,
    next_at FLOAT NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    sent_at FLOAT,
    given_up_at FLOAT,
    error TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX notices_due ON notices (next_at);
CREATE UNIQUE INDEX notices_key ON notices ("key", contact, channel);
CREATE TABLE refusals (
    id INTEGER NOT NULL,
    at FLOAT NOT NULL,
    gateway TEXT NOT NULL,
    field TEXT NOT NULL,
    reason TEXT NOT NULL,
    excerpt TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE reports (
    date TEXT NOT NULL,
    version INTEGER NOT NULL,
    made_at FLOAT NOT NULL,
    sha256 TEXT NOT NULL,
    document TEXT NOT NULL,
    differences TEXT NOT NULL,
    signed_at FLOAT,
    signed_by TEXT DEFAULT '' NOT NULL,
    signature TEXT DEFAULT '' NOT NULL,
    submitted_at FLOAT,
    submitted_by TEXT DEFAULT '' NOT NULL,
    submitted_to TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (date, version)
);
CREATE TABLE strikes (
    id INTEGER NOT NULL,
    gateway TEXT NOT NULL,
    token TEXT NOT NULL,
    epoch TEXT,
    since FLOAT NOT NULL,
    at FLOAT NOT NULL,
    "by" TEXT NOT NULL,
    reason TEXT NOT NULL,
    undone_at FLOAT,
    undone_by TEXT DEFAULT '' NOT NULL,
    undone_reason TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE users (
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE sessions (
    token TEXT NOT NULL,
    user TEXT NOT NULL,
    csrf TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    seen_at FLOAT NOT NULL,
    PRIMARY KEY (token),
    FOREIGN KEY(user) REFERENCES users (name) ON DELETE CASCADE
);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('first');
