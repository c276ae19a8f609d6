package dev.millrace.chunk;

/// How a text becomes 64 bits inside PostgreSQL. The server's own hash is the fast one; it is used
/// where both servers give the same value for a sample, which they don't between encodings and byte
/// orders. MD5 over UTF-8 is the same everywhere.
enum HashFunction {
    EXTENDED {
        @Override
        String of(String text, int seed) {
            return "hashtextextended(" + text + " COLLATE \"C\", " + seed + ")";
        }
    },
    MD5 {
        @Override
        String of(String text, int seed) {
            return "('x' || substr(md5('"
                    + seed
                    + ":' || md5(convert_to("
                    + text
                    + ", 'UTF8'))), 1, 16))::bit(64)::bigint";
        }
    };

    static final int BUCKET_SEED = 0;
    static final int FIRST_SEED = 1;
    static final int SECOND_SEED = 2;

    /// What two servers must have in common for the fast hash.
    static final String SAMPLE =
            "SELECT current_setting('server_encoding') || ' ' || "
                    + EXTENDED.of("'Millrace leads the stream to a new wheel'", SECOND_SEED);

    /// SQL for the hash of a text expression that isn't NULL.
    abstract String of(String text, int seed);
}
