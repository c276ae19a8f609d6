package dev.millrace.testing;

/// Names in which every character has a meaning somewhere: to a format string, to the driver, to
/// COPY, to the SQL around them.
public final class OddNames {

    /// At most 50 bytes, so that a test may append to it.
    public static final String NAME = "%s 5% ? ?? $1 $$ {fn a} {d 'b'} \"c\" \\ ;--/*:d, .e";

    /// The same as SQL.
    public static final String QUOTED = '"' + NAME.replace("\"", "\"\"") + '"';

    private OddNames() {}
}
